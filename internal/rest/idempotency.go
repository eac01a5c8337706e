package rest

import (
	"context"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// An Idempotency-Key is a label of the objects, beside an annotation with the hash of the request. So all replicas know what a key was
// used for, and nothing else has to be kept. Of requests with one key that come at the same moment, the API server's order decides. The
// first object that a request creates is its claim. The request then looks at the namespace as it was at exactly this creation: if there
// is an object of another request with the key, that one was first, and this request deletes its claim. No clocks are compared, and no
// replica asks another.
//
// A replica that ends between its claim and the look leaves the claim. The same request finds it when it comes again, and creates what is
// missing. If there is an object of another request as well, nobody can tell any more which claim was first: the answer is then 409,
// which names both, and nothing is deleted. Objects that are being deleted no longer count.

// claims are the objects of a namespace that were submitted with a key.
type claims struct {
	// other is an object of another request; empty if there is none.
	other string
	// own are the objects of this request.
	own map[objectID]types.UID
}

// objectID names an object of a namespace.
type objectID struct {
	kind resource
	name string
}

func (id objectID) String() string { return id.kind.name + "/" + id.name }

// claimable are the resources in which a key is looked for.
func claimable() []resource { return []resource{podResource(), jobResource(), jobSetResource()} }

// claims finds the objects with the key: those of now, or those of a resource version. It leaves out kinds that the request does not
// have, if the caller may not list them, or the cluster does not have them.
func (c *creation) claims(ctx context.Context, version string) (claims, error) {
	found := claims{own: map[objectID]types.UID{}}
	for _, kind := range claimable() {
		err := c.claimsOf(ctx, kind, version, &found)
		if !c.wanted.has(kind) && (apierrors.IsForbidden(err) || apierrors.IsNotFound(err)) {
			continue
		}
		if err != nil {
			return claims{}, err
		}
	}
	return found, nil
}

// claimsOf adds the objects of one kind.
func (c *creation) claimsOf(ctx context.Context, kind resource, version string, found *claims) error {
	options := metav1.ListOptions{LabelSelector: keyLabel + "=" + c.marks.key, Limit: pageSize}
	if version != "" {
		options.ResourceVersion, options.ResourceVersionMatch = version, metav1.ResourceVersionMatchExact
	}
	for {
		var page metav1.PartialObjectMetadataList
		err := get(ctx, c.server.client.CoreV1().RESTClient().Get().AbsPath(kind.path(c.namespace)...).
			SetHeader("Accept", metadataOfListOnly).VersionedParams(&options, metav1.ParameterCodec), &page)
		if err != nil {
			return err
		}
		for i := range page.Items {
			object := &page.Items[i]
			id := objectID{kind, object.Name}
			switch {
			case object.DeletionTimestamp != nil:
			case object.Annotations[contentAnnotation] != c.marks.content:
				found.other = id.String()
			case c.wanted.hasObject(id):
				found.own[id] = object.UID
			}
		}
		if page.Continue == "" {
			return nil
		}
		// The token says which version it is about.
		options.Continue, options.ResourceVersion, options.ResourceVersionMatch = page.Continue, "", ""
	}
}

// differs is the problem of a key that is used for something else.
func differs() error {
	return problem(http.StatusUnprocessableEntity, "this Idempotency-Key was used for another request in this namespace",
		fieldError("header.Idempotency-Key", "use a new key for a new request"))
}

// undecided is the problem of two requests with one key that both have objects.
func undecided(own objectID, other string) error {
	return problem(http.StatusConflict, fmt.Sprintf("two requests were made with this Idempotency-Key at the same time, and both have "+
		"objects: %s and %s. Try again; if this stays, cancel the one that is not wanted", own, other),
		fieldError("header.Idempotency-Key", "use a new key for a new request"))
}

// changing is the problem of an object that another request with the same key deletes or creates at the moment.
func changing(what fmt.Stringer) error {
	return problem(http.StatusConflict,
		fmt.Sprintf("%s of this Idempotency-Key is being created or deleted at the moment: try again", what))
}

// mayUseKey refuses a key that was used for another request, before anything is created.
func (c *creation) mayUseKey(ctx context.Context) error {
	for i := range c.wanted.objects {
		if c.wanted.objects[i].Generated {
			return problem(http.StatusUnprocessableEntity, "with an Idempotency-Key all objects need names",
				fieldError("body", "write metadata.name in place of metadata.generateName"))
		}
	}
	found, err := c.claims(ctx, "")
	if err != nil {
		return err
	}
	return found.conflict()
}

// conflict returns the problem of a key that is used for another request, too; nil if it is not.
func (found *claims) conflict() error {
	if found.other == "" {
		return nil
	}
	for own := range found.own {
		return undecided(own, found.other)
	}
	return differs()
}

// decide refuses a request whose first object is not the first one with the key, or of which nobody can tell.
func (c *creation) decide(ctx context.Context) error {
	claim := &c.objects[0]
	version := claim.ResourceVersion // that of its creation
	if claim.found {
		version = ""
	}
	found, err := c.claims(ctx, version)
	switch {
	case apierrors.IsResourceExpired(err) || apierrors.IsGone(err):
		return problem(http.StatusServiceUnavailable,
			"it took too long to find out whether this Idempotency-Key was used before: try again")
	case err != nil:
		return err
	case found.other != "" && !claim.found:
		return differs()
	}
	return found.conflict()
}

// confirm looks again, because this request found objects: the one that created them may have deleted them since, if it could not create
// the rest.
func (c *creation) confirm(ctx context.Context) error {
	found, err := c.claims(ctx, "")
	if err != nil {
		return err
	}
	if err := found.conflict(); err != nil {
		return err
	}
	for i, kind := range c.wanted.resources {
		id := objectID{kind, c.items[i].Name}
		if string(found.own[id]) != c.items[i].UID {
			return changing(id)
		}
	}
	return nil
}

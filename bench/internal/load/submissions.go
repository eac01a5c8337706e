package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"

	"github.com/kubenexus/kubenexus-scheduler/internal/jobs"
)

// submitters is how many service accounts submit Jobs.
const submitters = 8

// Submitter is a service account that may create Jobs and list them.
type Submitter struct {
	token  string
	client kubernetes.Interface
}

// CreateSubmitters creates the service accounts, and waits until the API server lets them in.
func CreateSubmitters(ctx context.Context, client kubernetes.Interface, server *rest.Config) ([]Submitter, error) {
	const role = "submit-jobs"
	_, err := client.RbacV1().Roles(Namespace).Create(ctx, &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: role},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"create", "list"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("creating a role: %w", err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role},
	}
	for i := range submitters {
		account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: Namespace, Name: submitterName(i)}
		binding.Subjects = append(binding.Subjects, account)
	}
	if _, err := client.RbacV1().RoleBindings(Namespace).Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("creating a role binding: %w", err)
	}
	all := make([]Submitter, submitters)
	for i := range all {
		if all[i], err = createSubmitter(ctx, client, server, submitterName(i)); err != nil {
			return nil, fmt.Errorf("creating service account %s: %w", submitterName(i), err)
		}
	}
	return all, nil
}

func submitterName(i int) string { return fmt.Sprintf("submitter-%d", i) }

func createSubmitter(ctx context.Context, client kubernetes.Interface, server *rest.Config, name string) (Submitter, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := client.CoreV1().ServiceAccounts(Namespace).Create(ctx, account, metav1.CreateOptions{}); err != nil {
		return Submitter{}, err
	}
	made, err := client.CoreV1().ServiceAccounts(Namespace).
		CreateToken(ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return Submitter{}, err
	}
	config := rest.AnonymousClientConfig(server)
	config.QPS = -1
	secured, err := rest.TLSConfigFor(config)
	if err != nil {
		return Submitter{}, err
	}
	s := Submitter{token: made.Status.Token}
	if s.client, err = kubernetes.NewForConfigAndClient(config, keepAlive(secured, s.token)); err != nil {
		return Submitter{}, err
	}
	// The API server learns of a role a moment after it was created.
	var last error
	err = wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, last = s.client.BatchV1().Jobs(Namespace).List(ctx, metav1.ListOptions{Limit: 1})
		return last == nil, nil
	})
	if err != nil {
		return Submitter{}, last
	}
	return s, nil
}

// keepAlive returns a client that keeps a connection for each request in flight, over HTTP/1.1.
func keepAlive(secured *tls.Config, token string) *http.Client {
	return &http.Client{Transport: transport.NewBearerAuthRoundTripper(token, &http.Transport{
		TLSClientConfig: secured, MaxIdleConns: InFlight, MaxIdleConnsPerHost: InFlight,
	})}
}

// request is what is submitted, and wrong the same with more pods to start at once than there are.
func request(name string) jobs.Request {
	return jobs.Request{Namespace: Namespace, Name: name, Image: "busybox:1.37", Replicas: 4, CPU: "1", Memory: "1Gi"}
}

func wrong(name string) jobs.Request {
	r := request(name)
	r.MinAvailable = r.Replicas + 1
	return r
}

// Submissions are requests that are made as fast as they are answered.
type Submissions struct {
	Submitters []Submitter
	// Prefix is the prefix of each Job's name.
	Prefix string
	Count  int
}

// Direct creates the Jobs at the API server. It returns how long each took.
func (s *Submissions) Direct(ctx context.Context) ([]time.Duration, error) {
	return s.all(ctx, func(ctx context.Context, by int, name string) error {
		asked := request(name)
		made, err := asked.Objects()
		if err != nil {
			return err
		}
		_, err = s.Submitters[by].client.BatchV1().Jobs(Namespace).Create(ctx, made.Job, metav1.CreateOptions{})
		return err
	})
}

// Served submits the Jobs to the REST API at the address. It returns how long each took.
func (s *Submissions) Served(ctx context.Context, address string) ([]time.Duration, error) {
	return s.posted(ctx, address, http.StatusCreated, request)
}

// Refused submits Jobs to the REST API that it has to refuse. It returns how long each took.
func (s *Submissions) Refused(ctx context.Context, address string) ([]time.Duration, error) {
	return s.posted(ctx, address, http.StatusUnprocessableEntity, wrong)
}

// posted posts requests that have to be answered with this status.
func (s *Submissions) posted(ctx context.Context, address string, status int, of func(name string) jobs.Request) ([]time.Duration, error) {
	url := address + "/api/v1/namespaces/" + Namespace + "/jobs"
	clients := make([]*http.Client, len(s.Submitters))
	defer func() {
		for _, client := range clients {
			if client != nil {
				client.CloseIdleConnections()
			}
		}
	}()
	for i := range clients {
		// The REST API makes its certificate itself; both ends are this machine.
		clients[i] = keepAlive(&tls.Config{InsecureSkipVerify: true}, s.Submitters[i].token)
		// Those whose token is not known yet may ask a few times only.
		if err := ask(ctx, clients[i], http.MethodGet, url+"?limit=1", nil, http.StatusOK); err != nil {
			return nil, err
		}
	}
	return s.all(ctx, func(ctx context.Context, by int, name string) error {
		body, err := json.Marshal(of(name))
		if err != nil {
			return err
		}
		return ask(ctx, clients[by], http.MethodPost, url, body, status)
	})
}

// ask makes a request that has to be answered with this status.
func ask(ctx context.Context, client *http.Client, method, url string, body []byte, status int) error {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != status {
		return fmt.Errorf("the answer is %s, not %d: %s", response.Status, status, text)
	}
	return nil
}

// all makes all requests, and measures how long each takes. The submitters take turns.
func (s *Submissions) all(ctx context.Context, do func(ctx context.Context, by int, name string) error) ([]time.Duration, error) {
	took := make([]time.Duration, s.Count)
	err := parallel(ctx, s.Count, func(ctx context.Context, i int) error {
		name, began := fmt.Sprintf("%s-%06d", s.Prefix, i), time.Now()
		if err := do(ctx, i%len(s.Submitters), name); err != nil {
			return fmt.Errorf("submitting %s: %w", name, err)
		}
		took[i] = time.Since(began)
		return nil
	})
	return took, err
}

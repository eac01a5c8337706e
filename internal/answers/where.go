package answers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// WhereAnnotation is on the lease of the scheduler. Its value is the JSON of Where.
const WhereAnnotation = "kubenexus.io/answers"

// Where is where the leader answers.
type Where struct {
	// Holder is the identity of the leader, as in the lease. If it is another one there, the new leader has not said yet where it answers.
	Holder string `json:"holder"`
	// URL is the address of the secure port: https://10.0.0.7:10259.
	URL string `json:"url"`
	// Certificate is the SHA-256 of the certificate that the leader serves with, in hexadecimal. A client that trusts the API server trusts
	// this certificate, too.
	Certificate string `json:"certificate"`
}

// Fingerprint returns the fingerprint of a certificate in DER, as Where has it.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// ParseWhere reads the annotation of a lease with this holder.
func ParseWhere(annotation, holder string) (Where, error) {
	var w Where
	switch {
	case annotation == "":
		return w, fmt.Errorf("its lease does not say where: the scheduler is older than this program, or does not serve")
	case json.Unmarshal([]byte(annotation), &w) != nil:
		return w, fmt.Errorf("the annotation %s of its lease is not valid: %.100q", WhereAnnotation, annotation)
	case w.Holder != holder:
		return w, fmt.Errorf("%q leads since a moment, and has not said yet where it answers", holder)
	}
	return w, nil
}

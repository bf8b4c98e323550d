// An origin in Go, with the standard library alone: go run origin.go
package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log"
	"net"
	"net/http"
	"os"
)

// clientCertificate returns the client's certificate, or nil when the request carries none.
func clientCertificate(r *http.Request) (*x509.Certificate, error) {
	value := r.Header.Get("Cf-Client-Cert-Der-Base64")
	if value == "" {
		return nil, nil
	}
	der, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func answer(w http.ResponseWriter, r *http.Request) {
	certificate, err := clientCertificate(r)
	if err != nil {
		http.Error(w, "unreadable client certificate", http.StatusBadRequest)
		return
	}
	if certificate == nil {
		http.Error(w, "no client certificate", http.StatusUnauthorized)
		return
	}
	sha256 := sha256.Sum256(certificate.Raw)
	w.Header().Set("content-type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{
		"sha256":  hex.EncodeToString(sha256[:]),
		"serial":  certificate.SerialNumber.Text(16),
		"subject": r.Header.Get("X-Client-Subject"),
	})
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	// Loopback: on this machine, Envoy alone can reach it.
	address := net.JoinHostPort("127.0.0.1", port)
	log.Fatal(http.ListenAndServe(address, http.HandlerFunc(answer)))
}

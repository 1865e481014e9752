package s3

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"talktime/reports/export"
)

// Open reads the files that the configuration names. Whether the server is there
// is seen by asking for the first file.
func (d *Destination) Open(context.Context) (export.Inbox, error) {
	account, err := d.account()
	if err != nil {
		return nil, err
	}
	roots, err := readRoots(d.cfg.CAFile)
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(true)
	if err != nil {
		return nil, fmt.Errorf("prepare TLS: %w", err)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	lookup := minio.BucketLookupDNS
	if d.cfg.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(d.endpoint.Host, &minio.Options{
		Creds:           credentials.NewStaticV4(account.id, account.secret.Reveal(), account.token.Reveal()),
		Secure:          d.endpoint.Scheme == "https",
		Transport:       transport,
		Region:          d.cfg.Region,
		BucketLookup:    lookup,
		TrailingHeaders: true,
		MaxRetries:      1,
	})
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", d.cfg.Endpoint, err)
	}
	return &inbox{d, client, transport}, nil
}

type inbox struct {
	*Destination
	client    *minio.Client
	transport *http.Transport
}

// Close lets the connections go.
func (in *inbox) Close() error {
	in.transport.CloseIdleConnections()
	return nil
}

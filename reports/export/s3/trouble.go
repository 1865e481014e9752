package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"

	"talktime/reports/export"
)

var errSilent = errors.New("the server was silent")

// code returns the protocol's word for an error of the server, else none.
func code(err error) string {
	said, _ := errors.AsType[minio.ErrorResponse](err)
	return said.Code
}

// why adds to an error what it means, what to do, and whether it may pass.
func (in *inbox) why(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, errSilent) {
			return export.Passing(cause)
		}
		return cause
	}
	if said, isAnswer := errors.AsType[minio.ErrorResponse](err); isAnswer {
		return in.whyAnswered(said)
	}
	return whyUnreachable(err)
}

// whyAnswered judges what the server said. Its words are told, they hold no
// secret of ours.
func (in *inbox) whyAnswered(said minio.ErrorResponse) error {
	told := fmt.Errorf("the server says %s (HTTP %d): %w", said.Code, said.StatusCode, said)
	switch said.Code {
	case minio.AccessDenied:
		return fmt.Errorf("%w; allow this account s3:PutObject and s3:GetObject on %s/* and s3:ListBucket on the bucket %s", told, in, in.cfg.Bucket)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken":
		return fmt.Errorf("%w; correct %s", told, in.cfg.CredentialsFile)
	case minio.NoSuchBucket:
		return fmt.Errorf("%w; make the bucket %s, or correct bucket", told, in.cfg.Bucket)
	case "RequestTimeTooSkewed":
		return fmt.Errorf("%w; set this machine's clock", told)
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect":
		return fmt.Errorf("%w; correct region or endpoint", told)
	case minio.PreconditionFailed, "ConditionalRequestConflict":
		// Somebody puts the same name at this moment; what it is, the next look
		// tells.
		return export.Passing(told)
	case "BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "RequestTimeout", "SlowDown", "IncompleteBody":
		return export.Passing(told)
	}
	if said.StatusCode == http.StatusTooManyRequests || said.StatusCode >= 500 && said.StatusCode != http.StatusNotImplemented {
		return export.Passing(told)
	}
	return told
}

// whyUnreachable judges what happened before any answer.
func whyUnreachable(err error) error {
	if _, isCertificate := errors.AsType[*tls.CertificateVerificationError](err); isCertificate {
		return fmt.Errorf("%w; give the certificate of the server's authority in ca_file, and the name it is made for in endpoint", err)
	}
	if _, isOther := errors.AsType[tls.RecordHeaderError](err); isOther || errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("%w; the server does not speak TLS on that port: correct endpoint", err)
	}
	if name, isName := errors.AsType[*net.DNSError](err); isName && name.IsNotFound {
		return fmt.Errorf("%w; correct endpoint, or path_style for a server that has no host name for each bucket", err)
	}
	// Every other end of a request is the network's doing.
	_, isRequest := errors.AsType[*url.Error](err)
	_, isNetwork := errors.AsType[*net.OpError](err)
	if isRequest || isNetwork || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return export.Passing(err)
	}
	return err
}

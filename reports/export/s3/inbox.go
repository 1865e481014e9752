package s3

import (
	"context"
	"encoding/base64"
	"io"
	"strings"

	"github.com/minio/minio-go/v7"

	"talktime/reports/export"
)

// partSize is the most that is sent in one request, and the size of the parts of
// what is larger. That makes 625 GiB, for the protocol ends at 10,000 parts.
const partSize = 64 << 20

// sumHeader carries a SHA-256 in base64, that of the whole object where it was
// put by one request.
const sumHeader = "X-Amz-Checksum-Sha256"

func sumOf(file export.File) string { return base64.StdEncoding.EncodeToString(file.SHA256[:]) }

// Has takes the server's word for the bytes it has verified itself, and reads
// what it has not.
func (in *inbox) Has(ctx context.Context, file export.File) (bool, error) {
	ctx, pulse, stop := in.alive(ctx)
	defer stop()
	key := in.key(file.Name)
	there, err := in.client.StatObject(ctx, in.cfg.Bucket, key, minio.StatObjectOptions{Checksum: true})
	if code(err) == minio.NoSuchKey {
		return false, nil
	}
	if err != nil {
		return false, in.why(ctx, err)
	}
	conflict := &export.ConflictError{Destination: in.String(), Name: file.Name}
	if there.Size != file.Size {
		return false, conflict
	}
	if sum := there.ChecksumSHA256; sum != "" && !strings.Contains(sum, "-") && there.ChecksumMode != minio.ChecksumCompositeMode.String() {
		if sum != sumOf(file) {
			return false, conflict
		}
		return true, nil
	}
	object, err := in.client.GetObject(ctx, in.cfg.Bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return false, in.why(ctx, err)
	}
	defer object.Close()
	same, err := file.Matches(io.TeeReader(object, pulse))
	switch {
	case err != nil:
		return false, in.why(ctx, err)
	case !same:
		return false, conflict
	}
	return true, nil
}

func (in *inbox) Put(ctx context.Context, file export.File) error {
	err := in.put(ctx, file, true)
	if code(err) == minio.NotImplemented {
		err = in.put(ctx, file, false)
	}
	if err != nil && file.Size > partSize {
		// The library has aborted the upload, but a part that was on its way may
		// have kept it alive. What outlives this too, the next delivery aborts.
		cleaning, stop := export.Cleaning(ctx)
		defer stop()
		_ = in.RemovePartials(cleaning, []string{file.Name})
	}
	return err
}

// put sends the file, if asked on the condition that nothing is under its name.
func (in *inbox) put(ctx context.Context, file export.File, onlyNew bool) error {
	ctx, pulse, stop := in.alive(ctx)
	defer stop()
	opts := minio.PutObjectOptions{ContentType: contentType(file.Name), PartSize: partSize, NumThreads: 2}
	if file.Size > partSize {
		opts.Checksum = minio.ChecksumSHA256
	} else {
		opts.UserMetadata = map[string]string{sumHeader: sumOf(file)}
	}
	if onlyNew {
		opts.SetMatchETagExcept("*")
	}
	file.Content = watched{file.Content, ctx, pulse}
	_, err := in.client.PutObject(ctx, in.cfg.Bucket, in.key(file.Name), file.Reader(), file.Size, opts)
	return in.why(ctx, err)
}

// contentTypes by the end of a name.
var contentTypes = map[string]string{
	"csv": "text/csv; charset=utf-8", "txt": "text/plain; charset=utf-8", "sha256": "text/plain; charset=utf-8", "json": "application/json",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

func contentType(name string) string { return contentTypes[name[strings.LastIndexByte(name, '.')+1:]] }

// RemovePartials aborts the uploads under the names. Some accounts may not list
// uploads and some servers cannot: for those the bucket needs a rule that ends
// uploads by itself, and a delivery does not fail for it.
func (in *inbox) RemovePartials(ctx context.Context, names []string) error {
	ctx, pulse, stop := in.alive(ctx)
	defer stop()
	for _, name := range names {
		pulse.beat()
		err := in.client.RemoveIncompleteUpload(ctx, in.cfg.Bucket, in.key(name))
		switch code(err) {
		case minio.AccessDenied, minio.NotImplemented, minio.NoSuchUpload:
			continue
		}
		if err != nil {
			return in.why(ctx, err)
		}
	}
	return nil
}

package backup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"kae"
)

// S3 says which S3 server is meant and how to get in.
type S3 struct {
	Endpoint    string // https://host:port; empty: Amazon's
	Region      string // empty: us-east-1, or at Amazon whatever the bucket's is
	Key, Secret string // both empty: from ~/.aws/credentials or, at Amazon, the machine's role
	Session     string // for keys that end
}

const amazon = "https://s3.amazonaws.com"

// client gives a client and the server's name for people.
func (s S3) client() (*minio.Client, string, error) {
	endpoint := s.Endpoint
	if endpoint == "" {
		endpoint = amazon
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return nil, "", &kae.Error{Code: kae.Invalid, Message: "The S3 endpoint is written http:// or https:// and a host, without a path."}
	}
	creds, err := s.credentials(endpoint == amazon)
	if err != nil {
		return nil, "", err
	}
	region := s.Region
	if region == "" && endpoint != amazon {
		region = "us-east-1" // what others than Amazon take; asking would need a permission
	}
	client, err := minio.New(u.Host, &minio.Options{Creds: creds, Secure: u.Scheme == "https", Region: region, MaxRetries: 4})
	if err != nil {
		return nil, "", &kae.Error{Code: kae.Invalid, Message: "The S3 endpoint can't be used.", Err: err}
	}
	client.SetAppInfo("kae", "1")
	return client, u.Scheme + "://" + u.Host, nil
}

var errNoKey = &kae.Error{Code: kae.Invalid, Message: "There is no key for the S3 server: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."}

func (s S3) credentials(atAmazon bool) (*credentials.Credentials, error) {
	if s.Key != "" && s.Secret != "" {
		return credentials.NewStaticV4(s.Key, s.Secret, s.Session), nil
	}
	if s.Key != "" || s.Secret != "" {
		return nil, errNoKey
	}
	providers := []credentials.Provider{&credentials.FileAWSCredentials{}}
	if atAmazon {
		providers = append(providers, &credentials.IAM{Client: &http.Client{Timeout: 5 * time.Second}})
	}
	creds := credentials.NewChainCredentials(providers)
	if v, err := creds.GetWithContext(&credentials.CredContext{Client: http.DefaultClient}); err != nil || v.AccessKeyID == "" {
		return nil, errNoKey
	}
	return creds, nil
}

// explain puts what an S3 server says, or that there is none, into a sentence.
func (b *bucket) explain(name string, err error) error {
	said := minio.ToErrorResponse(err)
	bad := &kae.Error{Code: kae.Invalid}
	var op *net.OpError
	var lookup *net.DNSError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		bad.Code, bad.Message, bad.Err = kae.Unavailable, "The backup was broken off.", err
	case errors.Is(err, errArrived):
		bad.Code, bad.Message = kae.Unavailable, fmt.Sprintf("What arrived as %s is not what was sent; it was removed again.", b.Name(name))
	case said.Code == minio.InvalidAccessKeyID, said.Code == minio.SignatureDoesNotMatch, said.Code == "InvalidToken", said.Code == "ExpiredToken",
		said.Code == "XAdminUserNotFound": // as versitygw says it
		bad.Message = fmt.Sprintf("The S3 server %s does not take the key (%s): look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.", b.where, said.Code)
	case said.Code == minio.NoSuchBucket:
		bad.Message = fmt.Sprintf("There is no bucket %q at %s: make it first.", b.bucket, b.where)
	case said.Code == minio.NoSuchKey:
		bad.Code, bad.Message = kae.NotFound, fmt.Sprintf("There is no backup %s.", b.Name(name))
	case said.Code == minio.AccessDenied:
		bad.Message = fmt.Sprintf("The key may not do this in the bucket %q at %s: it has to put, get, list and delete objects there.", b.bucket, b.where)
	case said.Code == "RequestTimeTooSkewed":
		bad.Message = fmt.Sprintf("The S3 server %s has another time than this machine: set its clock.", b.where)
	case errors.As(err, &lookup):
		bad.Code, bad.Message = kae.Unavailable, fmt.Sprintf("The S3 server %s is not known: look at -s3-endpoint and the network.", b.where)
	case errors.As(err, &op) && op.Op == "dial":
		bad.Code, bad.Message, bad.Err = kae.Unavailable, fmt.Sprintf("No S3 server answers at %s.", b.where), op.Err
	case said.Code == minio.InvalidBucketName:
		bad.Message = fmt.Sprintf("%q is no name for a bucket.", b.bucket)
	default:
		bad.Code, bad.Message, bad.Err = kae.Unavailable, fmt.Sprintf("The S3 server %s did not do what it was asked.", b.where), withoutURL(err)
	}
	return bad
}

// withoutURL leaves away which request an error is about: its URL may be long,
// and says nothing that the sentence does not.
func withoutURL(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

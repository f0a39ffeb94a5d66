// A notifier: takes messages from Countersign and "sends" each by a line in a file. Replace `send`, keep the rest.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "example.com/notifier/contract"
)

const longestText = 20_000

var (
	phone = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	email = regexp.MustCompile(`^[^@\s]{1,64}@[^@\s]{1,189}$`)
)

// sending is one message: on its way until `done` is closed, and what became of it afterwards.
type sending struct {
	content string
	done    chan struct{}
	id      string
	err     error
}

// line is what the outbox holds of one message. It is also how a key is known after a restart.
type line struct {
	Key, Content, ID, Destination, Text, Code string
}

type notifier struct {
	pb.UnimplementedNotifierServiceServer
	outbox *os.File
	mutex  sync.Mutex
	known  map[string]*sending
}

func main() {
	token, err := os.ReadFile(os.Getenv("NOTIFIER_TOKEN_FILE"))
	stopIf(err)
	notifier, err := open(setting("NOTIFIER_OUTBOX", "outbox.jsonl"))
	stopIf(err)
	listener, err := net.Listen("tcp", setting("NOTIFIER_LISTEN", "127.0.0.1:50061"))
	stopIf(err)

	options := []grpc.ServerOption{
		grpc.UnaryInterceptor(ask(strings.TrimSpace(string(token)))),
		// Without this, the server hangs up on Countersign, which pings connections that are idle.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second / 2, PermitWithoutStream: true}),
	}
	if certificate := os.Getenv("NOTIFIER_TLS_CERT"); certificate != "" {
		tls, err := credentials.NewServerTLSFromFile(certificate, os.Getenv("NOTIFIER_TLS_KEY"))
		stopIf(err)
		options = append(options, grpc.Creds(tls))
	}
	server := grpc.NewServer(options...)
	pb.RegisterNotifierServiceServer(server, notifier)
	serving := health.NewServer()
	healthpb.RegisterHealthServer(server, serving)

	go drainWhenTold(server, serving)
	log.Printf("listening on %s", listener.Addr())
	stopIf(server.Serve(listener))
	log.Print("drained")
}

// Deliver sends a message once for each key, and tells every repeat what became of it.
func (n *notifier) Deliver(ctx context.Context, message *pb.DeliverRequest) (*pb.DeliverResponse, error) {
	if problem := problemOf(message); problem != "" {
		return nil, status.Error(codes.InvalidArgument, problem)
	}
	content := contentOf(message)
	sending, isFirst := n.claim(message.IdempotencyKey, content)
	if sending.content != content {
		return nil, status.Error(codes.AlreadyExists, "this key has had another message")
	}
	if isFirst {
		// In a task of its own: it goes on when the caller hangs up, so that a repeat finds its outcome.
		go n.finish(message, sending)
	}
	select {
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	case <-sending.done:
	}
	if sending.err != nil {
		log.Printf("a message was not sent: %v", sending.err)
		return nil, status.Error(codes.Unavailable, "it was not sent")
	}
	accepted := &pb.Accepted{ProviderMessageId: sending.id}
	return &pb.DeliverResponse{Outcome: &pb.DeliverResponse_Accepted{Accepted: accepted}}, nil
}

// claim gives what is known of a key, and whether this call is the first to ask.
func (n *notifier) claim(key, content string) (*sending, bool) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if known, ok := n.known[key]; ok {
		return known, false
	}
	claimed := &sending{content: content, done: make(chan struct{})}
	n.known[key] = claimed
	return claimed, true
}

func (n *notifier) finish(message *pb.DeliverRequest, sending *sending) {
	sending.id, sending.err = n.send(message, sending.content)
	if sending.err != nil {
		// Nothing went out, so that the next try may send it.
		n.mutex.Lock()
		delete(n.known, message.IdempotencyKey)
		n.mutex.Unlock()
	}
	close(sending.done)
}

// send is the part to replace. Give your provider the key, if it takes one; if it takes none, write the line *before*
// you call it, so that a crash in between loses a message and never doubles one.
func (n *notifier) send(message *pb.DeliverRequest, content string) (string, error) {
	id := rand.Text()
	line, err := json.Marshal(line{
		message.IdempotencyKey, content, id, message.Destination, message.Text, message.GetCode().GetCode(),
	})
	if err != nil {
		return "", err
	}
	if _, err := n.outbox.Write(append(line, '\n')); err != nil {
		return "", err
	}
	return id, n.outbox.Sync()
}

// open reads what was sent before.
func open(path string) (*notifier, error) {
	outbox, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	known := make(map[string]*sending)
	sent := make(chan struct{})
	close(sent)
	lines := bufio.NewScanner(outbox)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line line
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, err
		}
		known[line.Key] = &sending{content: line.Content, id: line.ID, done: sent}
	}
	return &notifier{outbox: outbox, known: known}, lines.Err()
}

// contentOf tells messages apart. The wording is left out: a later try may be worded by a later version.
func contentOf(message *pb.DeliverRequest) string {
	content := proto.Clone(message).(*pb.DeliverRequest)
	content.Text, content.Html, content.Subject, content.DisplayName, content.Locale = "", "", "", "", ""
	bytes, _ := proto.MarshalOptions{Deterministic: true}.Marshal(content)
	hash := sha256.Sum256(bytes)
	return hex.EncodeToString(hash[:])
}

func problemOf(message *pb.DeliverRequest) string {
	switch {
	case message.IdempotencyKey == "":
		return "idempotency_key is missing"
	case message.Channel == pb.Channel_CHANNEL_SMS && !phone.MatchString(message.Destination):
		return "destination is no number"
	case message.Channel == pb.Channel_CHANNEL_EMAIL && !email.MatchString(message.Destination):
		return "destination is no address"
	case message.Channel != pb.Channel_CHANNEL_SMS && message.Channel != pb.Channel_CHANNEL_EMAIL:
		return "channel is not served"
	case len(message.Text) > longestText:
		return "text is too long"
	}
	return ""
}

// ask lets in who has the token. Health is for everyone.
func ask(token string) grpc.UnaryServerInterceptor {
	expected := []byte("Bearer " + token)
	return func(ctx context.Context, request any, call *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		given := metadata.ValueFromIncomingContext(ctx, "authorization")
		knows := len(given) == 1 && subtle.ConstantTimeCompare([]byte(given[0]), expected) == 1
		if !knows && !strings.HasPrefix(call.FullMethod, "/grpc.health.v1.Health/") {
			return nil, status.Error(codes.Unauthenticated, "the token is missing or another one")
		}
		return next(ctx, request)
	}
}

// drainWhenTold says so first, then ends what has begun, for ten seconds at most.
func drainWhenTold(server *grpc.Server, serving *health.Server) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, os.Interrupt)
	<-told
	serving.Shutdown()
	time.AfterFunc(10*time.Second, server.Stop)
	server.GracefulStop()
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func stopIf(err error) {
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: is NOTIFIER_TOKEN_FILE set?", err)
	}
	if err != nil {
		log.Fatal(err)
	}
}

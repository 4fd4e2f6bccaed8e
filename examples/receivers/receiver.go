// A backend that takes Tallybus's requests, by Go's standard library alone.
//
//	TALLYBUS_SECRET=whsec_… go run receiver.go [PORT]
//
// It proves who sent a request, keeps the newest status of each stream, and answers: 204 to what it
// has now or had before, 401 to what it cannot prove, 400 to what is no event. It reads one event a
// request, `format: wcs`, and answers 415 to batches and CloudEvents. docs/receiving.md says why,
// and has the SQL for books that outlive the process.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

const mostBytes = 2 << 20
const tolerance = 5 * time.Minute
const defaultLanes = 100000

type event struct {
	lane     string
	sequence uint64
	time     string // of one form: sorts as text
	again    bool
	status   string
}

// What is answered, and why, for the log.
type refusal struct {
	status int
	why    string
}

func (r *refusal) Error() string { return fmt.Sprintf("refused %d %s", r.status, r.why) }

// By lane: its newest event. When fresh has so many, they are the older ones, and what was older is
// forgotten: so many lanes, those heard of last, are known, and twice as many at most. Of one that
// is forgotten, the next event is new, a duplicate too. Books that must know more are a table:
// docs/receiving.md.
type receiver struct {
	key          []byte
	lanes        int
	mutex        sync.Mutex
	fresh, older map[string]event
}

func readUpTo(from io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, mostBytes+1))
	if err != nil {
		return nil, &refusal{400, "cannot be read"}
	}
	if len(body) > mostBytes {
		return nil, &refusal{413, "larger than any event"}
	}
	return body, nil
}

func bodyOf(r *http.Request) ([]byte, error) {
	body, err := readUpTo(r.Body)
	if err != nil || r.Header.Get("Content-Encoding") != "gzip" {
		return body, err
	}
	packed, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, &refusal{400, "cannot be inflated"}
	}
	return readUpTo(packed)
}

// Who knows the secret signed these very bytes, just now.
func (s *receiver) prove(h http.Header, body []byte) error {
	stamp, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	off := time.Since(time.Unix(stamp, 0))
	if err != nil || off > tolerance || off < -tolerance {
		return &refusal{401, "the time of the signature is missing, or too far off"}
	}
	mac := hmac.New(sha256.New, s.key)
	fmt.Fprintf(mac, "%s.%s.", h.Get("webhook-id"), h.Get("webhook-timestamp"))
	mac.Write(body)
	wanted := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, entry := range strings.Split(h.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(wanted), []byte(entry)) {
			return nil
		}
	}
	return &refusal{401, "not signed with this secret"}
}

func readForm(h http.Header) error {
	form, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	if form != "application/json" || h.Get("tallybus-batch") != "" {
		return &refusal{415, "neither batches nor CloudEvents are read here, only format: wcs"}
	}
	return nil
}

func eventOf(h http.Header, body []byte) (event, error) {
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return event{}, &refusal{400, "no event: no JSON object"}
	}
	value := fields["status"]
	status, isText := value.(string)
	if value != nil && !isText {
		return event{}, &refusal{400, "no event: its status is no text"}
	}
	lane, laneErr := url.PathUnescape(h.Get("tallybus-lane"))
	sequence, sequenceErr := strconv.ParseUint(h.Get("tallybus-sequence"), 10, 63)
	when := h.Get("tallybus-time")
	if lane == "" || laneErr != nil || sequenceErr != nil || when == "" {
		return event{}, &refusal{400, "no event: its place in a lane is missing"}
	}
	return event{lane, sequence, when, h.Get("tallybus-redelivery") == "1", status}, nil
}

// True where the event is newer than what is known.
func (s *receiver) apply(now event) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	known, any := s.fresh[now.lane]
	if !any {
		known, any = s.older[now.lane]
	}
	newer := !any || now.time > known.time ||
		(now.sequence > known.sequence && (!now.again || now.time == known.time))
	if newer {
		known = now
	}
	s.fresh[now.lane] = known
	if len(s.fresh) >= s.lanes {
		s.older, s.fresh = s.fresh, map[string]event{}
	}
	return newer
}

func (s *receiver) take(r *http.Request) (string, error) {
	body, err := bodyOf(r)
	if err != nil {
		return "", err
	}
	if err := s.prove(r.Header, body); err != nil {
		return "", err
	}
	if err := readForm(r.Header); err != nil {
		return "", err
	}
	method, lane := path.Base(r.URL.Path), r.Header.Get("tallybus-lane")
	if method == "connect" {
		return "", &refusal{403, "no session is let in here"}
	}
	if !strings.HasSuffix(method, "StatusEvent") { // a keep-alive, an alert, a test
		return fmt.Sprintf("no status: %s %s", lane, r.Header.Get("tallybus-sequence")), nil
	}
	now, err := eventOf(r.Header, body)
	if err != nil {
		return "", err
	}
	word := "old"
	if s.apply(now) {
		word = "new"
	}
	return fmt.Sprintf("%s %s %d", word, lane, now.sequence), nil
}

func (s *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	line, err := s.take(r)
	if err == nil {
		fmt.Println(line)
		w.WriteHeader(204)
		return
	}
	fmt.Println(err)
	w.WriteHeader(err.(*refusal).status)
}

func main() {
	secret := strings.TrimPrefix(os.Getenv("TALLYBUS_SECRET"), "whsec_")
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil || len(key) < 24 {
		log.Fatal("TALLYBUS_SECRET is no whsec_ key")
	}
	lanes, err := strconv.Atoi(os.Getenv("MOST_LANES"))
	if err != nil {
		lanes = defaultLanes
	}
	port := "8081"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, &receiver{key: key, lanes: lanes, fresh: map[string]event{}}))
}

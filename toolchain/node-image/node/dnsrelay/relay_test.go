package dnsrelay

import (
	"bytes"
	"net"
	"reflect"
	"testing"
)

var query = append([]byte{0x12, 0x34, 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 0}, "\x01a\x00\x00\x01\x00\x01"...)

func TestParse(t *testing.T) {
	servers, rest := Parse("# made by docker\nnameserver 127.0.0.11\nsearch corp.example  lab.example\nnameserver ::1\n\noptions ndots:0\n")
	if want := []string{"127.0.0.11", "::1"}; !reflect.DeepEqual(servers, want) {
		t.Errorf("servers: got %v, want %v", servers, want)
	}
	if want := []string{"search corp.example lab.example", "options ndots:0"}; !reflect.DeepEqual(rest, want) {
		t.Errorf("rest: got %v, want %v", rest, want)
	}
}

func TestNoServersMeansFailureAtOnce(t *testing.T) {
	reply := relay{}.ask(query)
	if len(reply) != len(query) || reply[2] != 0x81 || reply[3] != 2 || !bytes.Equal(reply[:2], query[:2]) {
		t.Errorf("got %x, want the query back as a reply with code SERVFAIL", reply)
	}
	if reply := (relay{}).ask(reply); reply != nil {
		t.Errorf("a reply must never be answered, got %x", reply)
	}
}

func TestTheNextServerIsAsked(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		buffer := make([]byte, 512)
		n, from, _ := server.ReadFrom(buffer)
		_, _ = server.WriteTo(append(buffer[:n], "answer"...), from)
	}()
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	reply := relay{servers: []string{closed.LocalAddr().String(), server.LocalAddr().String()}}.ask(query)
	if !bytes.HasSuffix(reply, []byte("answer")) {
		t.Errorf("got %q", reply)
	}
}

// Package dnsrelay passes DNS queries from the node's address on to name servers that only the node can reach.
package dnsrelay

import (
	"io"
	"log"
	"net"
	"time"
)

const (
	timeout = 2 * time.Second // for a server's answer; clients ask again after five
	atOnce  = 256             // queries in flight; more wait in the socket's buffer
	largest = 65535           // bytes in a DNS message
)

type relay struct{ servers []string }

// Serve answers on port 53 of address, UDP and TCP, until the process ends. With no servers, or none that answers,
// it replies SERVFAIL, so that nobody waits for a name that cannot be resolved.
func Serve(address string, servers []string) error {
	r := relay{}
	for _, s := range servers {
		r.servers = append(r.servers, net.JoinHostPort(s, "53"))
	}
	packets, err := net.ListenPacket("udp", net.JoinHostPort(address, "53"))
	if err != nil {
		return err
	}
	streams, err := net.Listen("tcp", net.JoinHostPort(address, "53"))
	if err != nil {
		packets.Close()
		return err
	}
	go r.serveUDP(packets)
	go r.serveTCP(streams)
	return nil
}

func (r relay) serveUDP(conn net.PacketConn) {
	slots := make(chan struct{}, atOnce)
	for buffer := make([]byte, largest); ; {
		n, client, err := conn.ReadFrom(buffer)
		if err != nil {
			log.Printf("k3s: DNS relay: %v", err)
			return
		}
		query := append([]byte(nil), buffer[:n]...)
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			if reply := r.ask(query); reply != nil {
				_, _ = conn.WriteTo(reply, client) // lost replies are DNS's daily bread
			}
		}()
	}
}

// ask returns the first answer of the servers, in their order.
func (r relay) ask(query []byte) []byte {
	for _, server := range r.servers {
		conn, err := net.DialTimeout("udp", server, timeout)
		if err != nil {
			continue
		}
		_ = conn.SetDeadline(time.Now().Add(timeout))
		buffer := make([]byte, largest)
		n := 0
		if _, err = conn.Write(query); err == nil {
			n, err = conn.Read(buffer)
		}
		conn.Close()
		if err == nil {
			return buffer[:n]
		}
	}
	return serverFailure(query)
}

// serverFailure turns a query into its reply with code 2 (RFC 1035, 4.1.1); nil for what is no query.
func serverFailure(query []byte) []byte {
	const header, response, opcodeAndRecursion, failure = 12, 0x80, 0x79, 2
	if len(query) < header || query[2]&response != 0 {
		return nil
	}
	reply := append([]byte(nil), query...)
	reply[2] = response | query[2]&opcodeAndRecursion
	reply[3] = failure
	return reply
}

func (r relay) serveTCP(listener net.Listener) {
	slots := make(chan struct{}, atOnce)
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Printf("k3s: DNS relay: %v", err)
			return
		}
		slots <- struct{}{}
		go func() {
			defer func() { client.Close(); <-slots }()
			r.splice(client)
		}()
	}
}

// splice joins a client to the first server that takes the connection.
func (r relay) splice(client net.Conn) {
	for _, s := range r.servers {
		server, err := net.DialTimeout("tcp", s, timeout)
		if err != nil {
			continue
		}
		defer server.Close()
		deadline := time.Now().Add(5 * timeout)
		_ = client.SetDeadline(deadline)
		_ = server.SetDeadline(deadline)
		go func() { _, _ = io.Copy(server, client) }()
		_, _ = io.Copy(client, server)
		return
	}
}

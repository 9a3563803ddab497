// gate is the last plugin in the node's CNI chain. It holds a new pod back until the policy agent has loaded its rules:
// without it, a pod would run unfiltered until its address appears in its status.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"sandlot.dev/node/gate/wire"
)

func main() {
	if err := plugin(os.Getenv("CNI_COMMAND"), os.Stdin, os.Stdout); err != nil {
		// Error 11: try again later (CNI specification 1.0.0, "Error").
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"cniVersion": "1.0.0", "code": 11, "msg": "gate: " + err.Error()})
		os.Exit(1)
	}
}

func plugin(command string, in io.Reader, out io.Writer) error {
	switch command {
	case "ADD":
		return add(in, out)
	case "DEL":
		// Best effort: without an agent there is nothing to tell, and a sandbox must always be removable.
		_ = tell(wire.Request{Sandbox: os.Getenv("CNI_CONTAINERID")}, 0)
		return nil
	case "VERSION":
		return json.NewEncoder(out).Encode(map[string]any{"cniVersion": "1.0.0", "supportedVersions": []string{"0.4.0", "1.0.0"}})
	default: // CHECK, GC and STATUS: nothing of this plugin's own to look at
		return nil
	}
}

// add passes the result of the plugins before on, unchanged.
func add(in io.Reader, out io.Writer) error {
	var config struct {
		PrevResult json.RawMessage `json:"prevResult"`
	}
	if err := json.NewDecoder(in).Decode(&config); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	ip, err := address(config.PrevResult)
	if err != nil {
		return err
	}
	request := wire.Request{Sandbox: os.Getenv("CNI_CONTAINERID"), PodUID: argument("K8S_POD_UID"), IP: ip}
	if err := tell(request, wire.Patience); err != nil {
		return err
	}
	_, err = out.Write(config.PrevResult)
	return err
}

// address is the pod's IPv4 address in a CNI result.
func address(result json.RawMessage) (string, error) {
	var r struct {
		IPs []struct {
			Address string `json:"address"`
		} `json:"ips"`
	}
	if err := json.Unmarshal(result, &r); err != nil {
		return "", fmt.Errorf("previous result: %w", err)
	}
	for _, entry := range r.IPs {
		if ip, _, err := net.ParseCIDR(entry.Address); err == nil && ip.To4() != nil {
			return ip.String(), nil
		}
	}
	return "", fmt.Errorf("previous result has no IPv4 address: %s", result)
}

// argument reads one of the runtime's key=value pairs.
func argument(name string) string {
	for _, pair := range strings.Split(os.Getenv("CNI_ARGS"), ";") {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value
		}
	}
	return ""
}

// tell sends a request, waiting for an agent that is still starting for as long as patience lasts.
func tell(r wire.Request, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	conn, err := net.Dial("unix", wire.Socket)
	for ; err != nil && time.Now().Before(deadline); conn, err = net.Dial("unix", wire.Socket) {
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * wire.Patience))
	if err := json.NewEncoder(conn).Encode(r); err != nil {
		return err
	}
	var reply wire.Reply
	if err := json.NewDecoder(conn).Decode(&reply); err != nil {
		return err
	}
	if reply.Error != "" {
		return fmt.Errorf("%s", reply.Error)
	}
	return nil
}

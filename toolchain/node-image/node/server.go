package main

import (
	"context"
	"encoding/base64"
	"log"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"sandlot.dev/node/config"
	"sandlot.dev/node/localpath"
	"sandlot.dev/node/options"
	"sandlot.dev/node/pki"
)

const (
	dataDir  = "/var/lib/rancher/k3s"
	tlsDir   = dataDir + "/server/tls"
	credDir  = dataDir + "/server/cred"
	agentDir = dataDir + "/agent"
	// Where nodes that join find what they need (https://docs.k3s.io/cli/token).
	nodeTokenFile = dataDir + "/server/node-token"
	sock          = "/run/k3s/containerd/containerd.sock"
)

// serve starts the node and runs until it is told to stop.
func serve(opt options.Options) {
	started := time.Now()
	done := func(what string) { log.Printf("k3s: %s after %.1fs", what, time.Since(started).Seconds()) }
	values := placeholders(opt, tlsDir, credDir)
	prepareMachine()
	admin, authority := issueCertificates(values, opt["tls-san"])
	values["CA"] = base64.StdEncoding.EncodeToString(authority.PEM())
	flags := writeFiles(values, opt["disable"], "")
	writeRegistries()
	containerd := make(chan struct{})
	go func() { runContainerd(); done("containerd ready, images imported"); close(containerd) }()

	etcd := startEtcd()
	done("etcd ready")
	c := newComponents(flags, opt)
	c.start("kube-apiserver")
	client := connect(admin)
	done("apiserver ready")
	<-containerd
	go newPolicyAgent(client, values["NODE"]).run() // before the kubelet: no pod starts without its rules
	go followNodes(client, values)
	c.start("kube-controller-manager")
	awaitAttachDetach()
	for _, name := range []string{"kubelet", "kube-scheduler", "kube-proxy"} {
		c.start(name)
	}
	go localpath.Serve(client, dataDir+"/storage", values["NODE"], true)
	go letNodesJoin(client, authority, values, opt)
	publishKubeconfig(admin, opt)
	go applyManifests(opt["disable"], map[string]func(){"metrics-server.yaml": func() { startMetricsServer(c) }})
	done("all components started")

	waitForStop()
	etcd.Close()
	os.Exit(0)
}

func waitForStop() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}

// placeholders are the values that config.txt asks for.
func placeholders(opt options.Options, tls, cred string) map[string]string {
	host, err := os.Hostname()
	must(err)
	addresses, err := net.LookupHost(host)
	must(err)
	v := map[string]string{"DATA": dataDir, "AGENT": agentDir, "TLS": tls, "CRED": cred, "SOCK": sock,
		"NODE":     opt.Last("node-name", orElse(os.Getenv("K3S_NODE_NAME"), strings.ToLower(host))),
		"IP":       opt.Last("node-ip", addresses[0]),
		"PORT":     opt.Last("https-listen-port", "6443"),
		"SERVICES": opt.Last("service-cidr", "10.43.0.0/16"),
		"PODS":     opt.Last("cluster-cidr", "10.42.0.0/16"),

		"METRICS_PORT": metricsPort,
	}
	v["RESOLV"] = resolvConf(v["IP"])
	deriveAddresses(v)
	return v
}

// deriveAddresses are those that follow from the ranges of services and pods.
func deriveAddresses(v map[string]string) {
	for _, name := range []string{"SERVICES", "PODS"} {
		if !strings.HasSuffix(v[name], ".0.0/16") {
			log.Fatalf("k3s: %s %s: only ranges of the form a.b.0.0/16 are served", name, v[name])
		}
	}
	services := strings.TrimSuffix(v["SERVICES"], "0/16")
	v["API"], v["DNS"] = services+"1", services+"10"
	v["NODE_PODS"] = strings.TrimSuffix(v["PODS"], "16") + "24" // the first node's; see followNodes
}

// prepareMachine does what a container engine leaves undone. A restarted container keeps its old files but not its
// processes, so what was running is forgotten.
func prepareMachine() {
	must(syscall.Mount("", "/", "", syscall.MS_SHARED|syscall.MS_REC, "")) // mount propagation into pods
	must(os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0))
	must(os.RemoveAll("/run/k3s"))
}

// writeFiles writes the configuration and returns each component's flags. Files of what is disabled are not written; what is
// in the folder except is none of this node's.
func writeFiles(values map[string]string, disabled []string, except string) map[string][]string {
	flags, files := config.Render(values)
	for _, f := range files {
		if except != "" && strings.HasPrefix(f.Path, except+"/") {
			continue
		}
		if !slices.Contains(disabled, partOf(f.Path)) {
			write(f.Path, f.Body, 0o600)
		}
	}
	return flags
}

// issueCertificates returns the administrator's kubeconfig, and the authority.
func issueCertificates(v map[string]string, extraNames []string) ([]byte, pki.Authority) {
	authority := pki.Load(tlsDir, credDir, v["PORT"])
	authority.Certificate("apiserver", "kube-apiserver", "", append(extraNames, "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc.cluster.local", "localhost", "127.0.0.1", v["NODE"], v["IP"], v["API"])...)
	authority.Certificate("front-proxy", "front-proxy-client", "")
	authority.Kubeconfig("kubelet", "system:node:"+v["NODE"], "system:nodes", v["NODE"], v["IP"])
	authority.Kubeconfig("metrics-server", "system:metrics-server", "", "metrics-server.kube-system.svc")
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "kube-proxy"} {
		authority.Kubeconfig(name, "system:"+name, "")
	}
	return authority.Kubeconfig("admin", "system:admin", "system:masters"), authority
}

// startEtcd trades durability at power loss for speed: this is a development cluster in a container.
func startEtcd() *embed.Etcd {
	cfg := embed.NewConfig()
	cfg.Dir, cfg.LogLevel, cfg.UnsafeNoFsync, cfg.TickMs, cfg.ElectionMs = dataDir+"/server/db/etcd", "error", true, 10, 50
	etcd, err := embed.StartEtcd(cfg)
	must(err)
	<-etcd.Server.ReadyNotify()
	return etcd
}

// connect returns a client once the API server is ready.
func connect(kubeconfig []byte) kubernetes.Interface {
	rest, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	must(err)
	client := kubernetes.NewForConfigOrDie(rest)
	for client.RESTClient().Get().AbsPath("/readyz").Do(context.Background()).Error() != nil {
		time.Sleep(50 * time.Millisecond)
	}
	return client
}

// publishKubeconfig writes it where k3s does, and where the user asked for it.
func publishKubeconfig(kubeconfig []byte, opt options.Options) {
	mode, err := strconv.ParseUint(opt.Last("write-kubeconfig-mode", orElse(os.Getenv("K3S_KUBECONFIG_MODE"), "600")), 8, 32)
	must(err)
	for _, path := range []string{"/etc/rancher/k3s/k3s.yaml", opt.Last("write-kubeconfig", os.Getenv("K3S_KUBECONFIG_OUTPUT"))} {
		if path != "" {
			write(path, string(kubeconfig), os.FileMode(mode))
		}
	}
}

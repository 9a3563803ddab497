module sandlot.dev/sandboxd

go 1.26

require (
	github.com/creack/pty v1.1.24
	golang.org/x/sync v0.18.0
	golang.org/x/sys v0.38.0
)

package child

import "syscall"

// attributes make the child die with this process, however that ends, and keep Ctrl-C from it: it is stopped in
// its turn.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

package localpg

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// process is a server process we have started.
type process struct {
	pid   int
	ended chan struct{} // closed when it has ended
	log   *logTail
}

func (p process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// mayRetry reports whether a server gave up over what a killed one left behind
// and what goes away by itself: backends at their last work.
func (p process) mayRetry() bool {
	fatal := p.log.fatal(p.pid)
	return strings.Contains(fatal, "is still in use") || strings.Contains(fatal, "already exists")
}

// spawn starts a server in a session of its own, so that neither a Ctrl-C at
// our terminal nor our death ends it.
func (c *cluster) spawn() error {
	socketDir, err := chooseSocketDir(c.dir)
	if err != nil {
		return err
	}
	if err := makeSocketDir(socketDir, c.account); err != nil {
		return err
	}
	if err := disownPidFile(c.data, c.account); err != nil {
		return err
	}
	log, err := openLog(c.dir)
	if err != nil {
		return err
	}
	defer log.close()
	cmd := exec.Command(c.programs.path("postgres"), c.arguments(socketDir)...)
	cmd.Dir, cmd.Env = "/", serverEnvironment()
	cmd.Stdout, cmd.Stderr = log.file, log.file
	cmd.SysProcAttr = c.account.attributes()
	cmd.SysProcAttr.Setsid = true
	if err := cmd.Start(); err != nil {
		return err
	}
	c.options.Log.Debug("starting the private Postgres", "dir", c.dir.path, "pid", cmd.Process.Pid)
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the log says how it ended
		close(ended)
	}()
	c.started = process{cmd.Process.Pid, ended, log}
	return nil
}

// arguments are the server's command line: what must hold for a private
// server, then the caller's settings.
func (c *cluster) arguments(socketDir string) []string {
	settings := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": socketDir,
		"unix_socket_permissions": "0700",
		"port":                    port,
		"logging_collector":       "off",
		"log_destination":         "stderr",
		"log_line_prefix":         "%m [%p] ", // logTail looks for the pid
	}
	if c.options.Disposable {
		maps.Copy(settings, map[string]string{
			"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
			"wal_level": "minimal", "max_wal_senders": "0",
		})
	}
	maps.Copy(settings, c.options.Settings)
	args := []string{"-D", c.data}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

package localpg

// InstallHint gives tests the hint of a system other than this one.
func InstallHint(goos, release string, major int) string {
	return system{goos, release}.installHint(major)
}

// Fatal gives tests why a server of this pid gave up, by its log.
func Fatal(log string, pid int) string { return (&logTail{path: log}).fatal(pid) }

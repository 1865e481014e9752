package localpg

// InstallHint gives tests the hint of a system other than this one.
func InstallHint(goos, release string, major int) string {
	return system{goos, release}.installHint(major)
}

package localpg

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// system is an operating system as far as installing software goes.
type system struct {
	goos    string
	release string // the text of /etc/os-release, empty elsewhere than on Linux
}

func thisSystem() system {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		release = nil // the hint is then the general one
	}
	return system{runtime.GOOS, string(release)}
}

// installHint is the half sentence that says how to get the server programs
// of version major on this system, or of any sufficient version where major is
// 0.
func (s system) installHint(major int) string {
	const orURL = ", or set database.url to a Postgres of your own"
	if s.goos == "darwin" {
		return fmt.Sprintf("run `brew install postgresql@%d`%s", cmp.Or(major, 18), orURL)
	}
	families := s.families()
	is := func(names ...string) bool {
		return slices.ContainsFunc(families, func(f string) bool { return slices.Contains(names, f) })
	}
	versioned := func(name string) string {
		if major == 0 {
			return name
		}
		return fmt.Sprintf("%s-%d", name, major)
	}
	switch {
	case is("debian", "ubuntu"):
		return fmt.Sprintf("run `apt-get install %s`%s", versioned("postgresql"), orURL)
	case is("alpine"):
		return fmt.Sprintf("run `apk add postgresql%d`%s", cmp.Or(major, 17), orURL)
	case is("fedora", "rhel", "centos"):
		if major == 0 {
			return "run `dnf install postgresql-server` (Red Hat 8 and 9: `dnf module install postgresql:15/server`)" + orURL
		}
		return fmt.Sprintf("run `dnf install postgresql%d-server`%s", major, orURL)
	case is("suse", "opensuse"):
		return fmt.Sprintf("run `zypper install postgresql%d-server`%s", cmp.Or(major, 17), orURL)
	case is("arch"):
		return "run `pacman -S postgresql`" + orURL
	}
	if major == 0 {
		return fmt.Sprintf("install the server package of Postgres %d or later%s", minMajor, orURL)
	}
	return fmt.Sprintf("install the server package of Postgres %d%s", major, orURL)
}

// families returns the ID and ID_LIKE words of the os-release text, such as
// "linuxmint", "ubuntu", "debian".
func (s system) families() []string {
	var families []string
	for lines := bufio.NewScanner(strings.NewReader(s.release)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		if key == "ID" || key == "ID_LIKE" {
			families = append(families, strings.Fields(strings.Trim(value, `"'`))...)
		}
	}
	return families
}

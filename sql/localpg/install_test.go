package localpg_test

import (
	"testing"

	"talktime/sql/localpg"
)

func TestInstallHint(t *testing.T) {
	const orURL = ", or set database.url to a Postgres of your own"
	for name, c := range map[string]struct {
		goos, release string
		major         int
		want          string
	}{
		"Debian":              {"linux", "NAME=\"Debian GNU/Linux\"\nID=debian\n", 0, "run `apt-get install postgresql`"},
		"Mint, like Ubuntu":   {"linux", "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", 16, "run `apt-get install postgresql-16`"},
		"Alpine":              {"linux", "ID=alpine\n", 0, "run `apk add postgresql17`"},
		"Fedora, 16":          {"linux", "ID=fedora\n", 16, "run `dnf install postgresql16-server`"},
		"Rocky, like Red Hat": {"linux", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", 0, "run `dnf install postgresql-server` (Red Hat 8 and 9: `dnf module install postgresql:15/server`)"},
		"openSUSE":            {"linux", "ID=opensuse-leap\nID_LIKE='suse opensuse'\n", 15, "run `zypper install postgresql15-server`"},
		"Arch":                {"linux", "ID=arch\n", 0, "run `pacman -S postgresql`"},
		"macOS":               {"darwin", "", 0, "run `brew install postgresql@18`"},
		"macOS, 15":           {"darwin", "", 15, "run `brew install postgresql@15`"},
		"unknown":             {"linux", "", 0, "install the server package of Postgres 15 or later"},
		"unknown, 17":         {"freebsd", "", 17, "install the server package of Postgres 17"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := localpg.InstallHint(c.goos, c.release, c.major); got != c.want+orURL {
				t.Errorf("got %q, want %q", got, c.want+orURL)
			}
		})
	}
}

package export

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
)

// MaxName is how many characters the name of a data file may have: file systems
// take 255, and the names of its manifest, its diff and their unfinished
// versions are longer.
const MaxName = 200

const namePunctuation = "_.-"

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(namePunctuation, c) >= 0
}

// deviceNames are those that Windows takes for devices, with any extension.
var deviceNames = []string{
	"con", "prn", "aux", "nul",
	"com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
	"lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
}

// CheckName reports why a text cannot be the name of a delivered file: it must
// be of A-Z a-z 0-9 _ . - alone, so that every importer takes it and none can
// lead out of its folder, and must not look like a file that is not finished or
// that stands for something else.
func CheckName(name string) error {
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch {
	case name == "":
		return fmt.Errorf("a file name is empty")
	case len(name) > MaxName+len(manifestSuffix)+len(diffMark):
		return fmt.Errorf("file name %.40s… has %d characters; %d fit", name, len(name), MaxName)
	case name[0] == '.':
		return fmt.Errorf("file name %q begins with a dot, which hides it", name)
	case name[0] == '-':
		return fmt.Errorf("file name %q begins with -, which programs take for an option", name)
	case strings.Contains(name, ".."):
		return fmt.Errorf("file name %q holds two dots in a row", name)
	case name[len(name)-1] == '.':
		return fmt.Errorf("file name %q ends with a dot, which Windows drops", name)
	case strings.HasSuffix(strings.ToLower(name), partialSuffix):
		return fmt.Errorf("file name %q ends with %s, the mark of a file that is not finished", name, partialSuffix)
	case slices.Contains(deviceNames, stem):
		return fmt.Errorf("file name %q is a device to Windows", name)
	}
	for i := range len(name) {
		if !isNameByte(name[i]) {
			return fmt.Errorf("file name %q holds %q; only A-Z a-z 0-9 _ . - are allowed", name, name[i])
		}
	}
	return nil
}

// checkDataName is CheckName for the name of a data file, which must leave room
// for those that go with it and must not look like one of them.
func checkDataName(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if len(name) > MaxName {
		return fmt.Errorf("file name %.40s… has %d characters; %d fit", name, len(name), MaxName)
	}
	stem := stemOf(strings.ToLower(name))
	for _, suffix := range []string{sumSuffix, manifestSuffix} {
		if strings.HasSuffix(strings.ToLower(name), suffix) {
			return fmt.Errorf("file name %q ends with %s, as the files do that go with a data file", name, suffix)
		}
	}
	if strings.HasSuffix(stem, diffMark) {
		return fmt.Errorf("file name %q ends with %s, as the file of changes does", name, diffMark)
	}
	return nil
}

const (
	partialSuffix = ".part"
	partialMark   = 12 // characters of chance
)

// PartialName returns a new name for a file that is not finished, to be renamed
// to its final one: hidden from those who look for data files, and never the
// same twice.
func PartialName(name string) string {
	return "." + name + "." + rand.Text()[:partialMark] + partialSuffix
}

// IsPartialOf reports whether a file's name is one PartialName gave for a final
// name.
func IsPartialOf(partial, name string) bool {
	mark, isOf := strings.CutPrefix(partial, "."+name+".")
	mark, isPartial := strings.CutSuffix(mark, partialSuffix)
	return isOf && isPartial && len(mark) == partialMark && !strings.Contains(mark, ".")
}

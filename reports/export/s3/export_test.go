package s3

// ParseAccount tells whether a text is accepted, and what it hides.
func ParseAccount(text string) (id, secret, token string, err error) {
	a, err := parseAccount(text)
	return a.id, a.secret.Reveal(), a.token.Reveal(), err
}

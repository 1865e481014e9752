package operations

import _ "embed" // the rules

// AlertRules is a file of alert rules for Prometheus on the metrics of a Board.
//
//go:embed alerts.yml
var AlertRules string

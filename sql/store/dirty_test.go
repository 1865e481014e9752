package store_test

import (
	"testing"
	"time"

	"talktime/sql/store"
)

// deriving is what a program tells derive at an instant by which all is stored.
func deriving(horizon time.Time) store.Deriving {
	return store.Deriving{Now: horizon, Settle: 15 * time.Minute, Settled: store.Settled{Horizon: horizon}}
}

func (d database) deriveDirty(t testing.TB, horizon time.Time) store.Derived {
	t.Helper()
	derived, err := d.DeriveDirty(t.Context(), deriving(horizon))
	if err != nil {
		t.Fatal(err)
	}
	return derived
}

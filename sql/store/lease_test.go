package store_test

import (
	"errors"
	"testing"

	"talktime/sql/store"
)

func (d database) takeLease(t *testing.T) *store.Lease {
	t.Helper()
	lease, err := d.TakeLease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func (d database) leaseIsFree(t *testing.T) bool {
	t.Helper()
	free, err := d.LeaseIsFree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return free
}

func TestLease(t *testing.T) {
	d := newDatabase(t)
	other := database{openStore(t, d.url), d.url, d.pool}
	if !d.leaseIsFree(t) {
		t.Error("the lease is held before anybody took it")
	}
	lease := d.takeLease(t)
	if d.leaseIsFree(t) || other.leaseIsFree(t) {
		t.Error("the lease is free while it is held")
	}
	for _, s := range []database{d, other} {
		if _, err := s.TakeLease(t.Context()); !errors.Is(err, store.ErrLeaseHeld) {
			t.Errorf("taking a held lease returned %v, want ErrLeaseHeld", err)
		}
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !other.leaseIsFree(t) {
		t.Error("the lease is held after its release")
	}
	if err := other.takeLease(t).Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A recorder that dies takes its connection along, and with it the lease.
func TestLeaseEndsWithItsConnection(t *testing.T) {
	d := newDatabase(t)
	lease := d.takeLease(t)
	defer func() { _ = lease.Release(t.Context()) }()
	d.exec(t, "SELECT pg_terminate_backend(pid, 60000) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
	if !d.leaseIsFree(t) {
		t.Error("the lease outlives its connection")
	}
	if err := d.takeLease(t).Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// Leases of two databases have nothing to do with each other, nor has any other
// advisory lock.
func TestLeaseIsOfItsDatabase(t *testing.T) {
	d, other := newDatabase(t), newDatabase(t)
	lease := d.takeLease(t)
	defer d.holdAdvisory(t, "talktime")()
	if !other.leaseIsFree(t) {
		t.Error("a lease on one database is held on another")
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !d.leaseIsFree(t) {
		t.Error("another advisory lock counts as the lease")
	}
}

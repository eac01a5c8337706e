package ledger

// Remembered returns how many deleted pods the ledger remembers.
func (l *Ledger) Remembered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.gone)
}

// Locked says whether somebody holds the ledger's lock.
func (l *Ledger) Locked() bool {
	if !l.mu.TryLock() {
		return true
	}
	l.mu.Unlock()
	return false
}

// MovesWait says whether places moved and nobody asked for that yet.
func (l *Ledger) MovesWait() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.moves) > 0
}

package ledger

// Remembered returns how many deleted pods the ledger remembers.
func (l *Ledger) Remembered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.gone)
}

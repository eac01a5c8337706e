package trim

import "reflect"

// bookkeeping is what the cache itself allocates for an entry: its key, its value, an element of a list and a slot of a map.
const bookkeeping = 256

// size returns how many bytes of memory a value holds besides itself, rather too many than too few: what is small as protobuf
// can be many times as large in memory.
func size(v reflect.Value) int {
	bytes := 0
	switch v.Kind() { //nolint:exhaustive // the others hold nothing
	case reflect.String:
		bytes = allocated(v.Len())
	case reflect.Pointer:
		if !v.IsNil() {
			bytes = allocated(int(v.Type().Elem().Size())) + size(v.Elem())
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			bytes += size(field)
		}
	case reflect.Slice:
		bytes = allocated(v.Cap() * int(v.Type().Elem().Size()))
		for i := range v.Len() {
			bytes += size(v.Index(i))
		}
	case reflect.Map:
		bytes = table(v)
		for entries := v.MapRange(); entries.Next(); {
			bytes += size(entries.Key()) + size(entries.Value())
		}
	}
	return bytes
}

// table returns the size of a map without what its keys and values hold. A small one has eight slots, a large one can have more
// than twice as many as it has entries.
func table(m reflect.Value) int {
	if m.IsNil() {
		return 0
	}
	const header, control = 48, 1
	slot := int(m.Type().Key().Size()+m.Type().Elem().Size()) + control
	return header + allocated(slot*max(8, m.Len()*5/2))
}

// allocated returns the bytes that Go's allocator takes for that many: it rounds up by a quarter at most, or to 16.
func allocated(bytes int) int { return (bytes + bytes/4 + 15) &^ 15 }

package pocket

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"horde/engine/pocket/loras"
)

// fakeSession counts how many are open.
type fakeSession struct{ open *atomic.Int32 }

func (s *fakeSession) close() error {
	s.open.Add(-1)
	return nil
}

// fakeVariants loads sessions of a size without a model.
func fakeVariants(size int) (vs *variants, open, loaded *atomic.Int32) {
	open, loaded = new(atomic.Int32), new(atomic.Int32)
	return &variants{load: func(string, adapters) (session, int, error) {
		open.Add(1)
		loaded.Add(1)
		return &fakeSession{open}, size, nil
	}}, open, loaded
}

// named are the adapters of one LoRA that only changes the denoiser.
func named(name string, strength float64) adapters {
	f := &loras.File{Info: loras.Info{SHA256: name}, Pairs: []loras.Pair{{Target: "unet_out"}}}
	return adapters{}.add(f, strength)
}

func mustGet(t *testing.T, vs *variants, as adapters) (session, func()) {
	t.Helper()
	s, done, err := vs.get(context.Background(), denoiser, partNet, as)
	if err != nil {
		t.Fatal(err)
	}
	return s, done
}

func TestANetworkIsLoadedOnceForAllWhoAsk(t *testing.T) {
	vs, open, loaded := fakeVariants(1)
	inner, begin := vs.load, make(chan struct{})
	vs.load = func(name string, as adapters) (session, int, error) {
		<-begin
		return inner(name, as)
	}

	var wg sync.WaitGroup
	sessions := make([]session, 8)
	for i := range sessions {
		wg.Go(func() {
			s, done, err := vs.get(context.Background(), denoiser, partNet, named("a", 1))
			if err != nil {
				t.Error(err)
				return
			}
			sessions[i] = s
			done()
		})
	}
	close(begin)
	wg.Wait()

	if loaded.Load() != 1 || open.Load() != 1 {
		t.Errorf("loaded %d times, %d open", loaded.Load(), open.Load())
	}
	for _, s := range sessions {
		if s != sessions[0] {
			t.Error("two jobs with the same LoRAs got different networks")
		}
	}

	vs.close()
	if open.Load() != 0 {
		t.Errorf("%d stay open after close", open.Load())
	}
}

func TestWhatIsKeptIsBoundedInNumber(t *testing.T) {
	vs, open, loaded := fakeVariants(1)
	for i := range 3 * maxVariants {
		_, done := mustGet(t, vs, named(fmt.Sprint(i), 1))
		done()
		if n := int(open.Load()); n > maxVariants {
			t.Fatalf("%d networks are kept, want at most %d", n, maxVariants)
		}
	}

	// The most recent are still there, the first is not.
	before := loaded.Load()
	_, done := mustGet(t, vs, named(fmt.Sprint(3*maxVariants-1), 1))
	done()
	if loaded.Load() != before {
		t.Error("the last used network was dropped")
	}
	_, done = mustGet(t, vs, named("0", 1))
	done()
	if loaded.Load() != before+1 {
		t.Error("the least recently used network was kept")
	}
}

func TestWhatIsKeptIsBoundedInBytes(t *testing.T) {
	vs, open, _ := fakeVariants(nextVariant)
	for i := range 10 {
		_, done := mustGet(t, vs, named(fmt.Sprint(i), 1))
		done()
		if n := int(open.Load()); n*nextVariant > maxVariantBytes {
			t.Fatalf("%d networks of %d bytes are kept, want at most %d bytes", n, nextVariant, maxVariantBytes)
		}
	}
}

func TestANetworkInUseStays(t *testing.T) {
	vs, open, _ := fakeVariants(maxVariantBytes)
	_, doneA := mustGet(t, vs, named("a", 1))
	_, doneB := mustGet(t, vs, named("b", 1))
	if open.Load() != 2 {
		t.Fatalf("%d networks for two jobs at once", open.Load())
	}
	doneA()
	if open.Load() != 1 {
		t.Errorf("%d networks are kept, want the one in use", open.Load())
	}
	doneB()
}

func TestAFailedLoadingIsTriedAgain(t *testing.T) {
	vs, open, loaded := fakeVariants(1)
	failed, inner := errors.New("out of memory"), vs.load
	vs.load = func(string, adapters) (session, int, error) { return nil, 0, failed }
	if _, _, err := vs.get(context.Background(), denoiser, partNet, named("a", 1)); !errors.Is(err, failed) {
		t.Fatalf("error %v", err)
	}

	vs.load = inner
	_, done := mustGet(t, vs, named("a", 1))
	done()
	if loaded.Load() != 1 || open.Load() != 1 {
		t.Errorf("loaded %d times, %d open", loaded.Load(), open.Load())
	}
}

func TestACancelledJobDoesNotWaitForAnothersLoading(t *testing.T) {
	vs, open, _ := fakeVariants(1)
	inner, begun, finish := vs.load, make(chan struct{}), make(chan struct{})
	vs.load = func(name string, as adapters) (session, int, error) {
		close(begun)
		<-finish
		return inner(name, as)
	}
	first := make(chan func())
	go func() {
		_, done, _ := vs.get(context.Background(), denoiser, partNet, named("a", 1))
		first <- done
	}()
	<-begun

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := vs.get(ctx, denoiser, partNet, named("a", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	close(finish)
	(<-first)()
	if open.Load() != 1 {
		t.Errorf("%d open, want the one that was loaded", open.Load())
	}
}

func TestThePlainNetworkNeedsNoLoading(t *testing.T) {
	vs, _, loaded := fakeVariants(1)
	for name, as := range map[string]adapters{
		"none":              nil,
		"of strength 0":     named("a", 0),
		"that sum up to 0":  named("a", .5).add(named("a", 1)[0].file, -.5),
		"of the other part": {adapter{&loras.File{Pairs: []loras.Pair{{Target: "te_x"}}}, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s, done := mustGet(t, vs, as)
			defer done()
			if s != nil || loaded.Load() != 0 {
				t.Error("a network was loaded")
			}
		})
	}
}

func TestTheOrderOfLoRAsDoesNotMatter(t *testing.T) {
	a, b := named("a", .5)[0].file, named("b", .25)[0].file
	one := adapters{}.add(a, .5).add(b, .25)
	two := adapters{}.add(b, .25).add(a, .25).add(a, .25)
	if one.key(partNet) != two.key(partNet) {
		t.Errorf("%q and %q", one.key(partNet), two.key(partNet))
	}
	if k := one.add(a, .1).key(partNet); k == two.key(partNet) || !strings.HasPrefix(k, partNet) {
		t.Errorf("another strength has the key %q", k)
	}
}

package match

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The automaton finds what looking for each word by itself finds.
func TestTheAutomatonFindsEveryWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.StringMatching(`[abé]{0,5}`), 0, 12).Draw(t, "words")
		text := rapid.StringMatching(`[abcé ]{0,40}`).Draw(t, "text")
		want := false
		for _, word := range list {
			want = want || strings.Contains(text, word)
		}
		if got := newWords(list).in(text); got != want {
			t.Fatalf("%q in %q: %v, want %v", list, text, got, want)
		}
	})
}

func TestEveryByteMayStandInAWord(t *testing.T) {
	var list []string
	for b := range 255 {
		list = append(list, string([]byte{byte(b), 255, byte(b)}))
	}
	w := newWords(list)
	if !w.in("x\xffx") || w.in("x\xffy") || !w.in("aa\x00\xff\x00") || !w.in("\xfe\xff\xfe") || w.in("\xff\xff\xff") {
		t.Error("wrong")
	}
}

func TestALongBlacklistCostsNoSeconds(t *testing.T) {
	w := &Worker{}
	for i := range 199 {
		w.Blacklist = append(w.Blacklist, strings.Repeat("b", 13)+fmt.Sprint("c", i%10))
	}
	w.Blacklist = append(w.Blacklist, "zzzz")
	p := Pop{Worker: w}
	prompt := strings.Repeat("b", 99_000) + " ZZZZ"
	began := time.Now()
	for range 200 {
		if !p.blacklisted(prompt) {
			t.Fatal("the last word was not found")
		}
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("200 prompts took %v", took)
	}
	if p.blacklisted(strings.Repeat("b", 99_000)) {
		t.Error("found what is not there")
	}
}

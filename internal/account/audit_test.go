package account

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/horde"
)

// wantActs compares what was recorded, the newest first, as "action by target".
func (w *world) wantActs(want ...string) {
	w.t.Helper()
	page, err := w.Audit(w.t.Context(), &User{Username: "root", ID: 1}, "", MaxAudit)
	if err != nil {
		w.t.Fatal(err)
	}

	var got []string
	for _, act := range page.Actions {
		got = append(got, strings.Join([]string{act.Action, act.By, act.Target}, " "))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("recorded:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What is done to others by the rights of a moderator or administrator is kept for the
// administrators, and leaves a line; what people do to themselves does not. No secret is
// kept.
func TestActsOverOthersAreRecorded(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.t.Context()
		var log bytes.Buffer
		w.config.Log = slog.New(slog.NewTextHandler(&log, nil))
		root, mod := w.user("root", 0, 1000), w.user("mod", Moderator|Service, 0)
		alice, service := w.user("alice", 0, 0), w.user("service", Service, 0)
		name, yes, few := "alicia", true, 7

		for _, c := range []struct {
			by, target *User
			in         api.ModifyUser
		}{
			{mod, alice, api.ModifyUser{Concurrency: &few}},
			{mod, service, api.ModifyUser{GenerateProxyPasskey: &yes}},
			{alice, alice, api.ModifyUser{Username: &name}},
		} {
			if _, err := w.Modify(ctx, c.by, c.target.ID, c.in); err != nil {
				w.t.Fatal(err)
			}
		}
		_, err := w.Modify(ctx, alice, mod.ID, api.ModifyUser{Concurrency: &few})
		wantCode(w.t, "refused", err, horde.NotModerator)
		_, err = w.Adjust(ctx, root, Adjustment{Target: "alice#3", Amount: 5, Reason: "a prize"})
		wantCode(w.t, "adjust", err, "")
		_, err = w.Delete(ctx, mod, w.again(alice))
		wantCode(w.t, "delete", err, "")

		w.wantActs("user deleted mod#2 alicia#3", "kudos adjusted root#1 alicia#3",
			"user changed mod#2 service#4", "user changed mod#2 alice#3")

		passkey := w.again(service).ProxyPasskey
		page, err := w.Audit(ctx, root, "", 1)
		if err != nil || len(page.Actions) != 1 || page.Next != page.Actions[0].ID {
			w.t.Fatalf("a page of one: %+v, %v", page, err)
		}
		rest, err := w.Audit(ctx, root, page.Next, MaxAudit)
		if err != nil || len(rest.Actions) != 3 || rest.Next != "" {
			w.t.Errorf("the next page: %+v, %v", rest, err)
		}
		if all := fmt.Sprint(rest.Actions) + log.String(); passkey == "" || strings.Contains(all, passkey) {
			w.t.Errorf("a secret is kept: %s", all)
		}
		if !strings.Contains(log.String(), `msg="kudos adjusted" by=root#1 target=alicia#3`) {
			w.t.Errorf("the log: %s", &log)
		}

		_, err = w.Audit(ctx, mod, "", MaxAudit)
		wantCode(w.t, "a moderator reads", err, horde.NotAdmin)
	})
}

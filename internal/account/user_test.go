package account

import (
	"testing"

	"horde/internal/horde"
)

// What an account asks for counts for it from all addresses; not for those who share one.
func TestSharesCountForAnAccount(t *testing.T) {
	t.Parallel()
	for rule, tt := range map[string]struct {
		user User
		want string
	}{
		"a user":             {User{ID: 7, OAuthID: "x"}, "7"},
		"the anonymous user": {User{ID: horde.AnonymousID, OAuthID: anonymousOAuth}, ""},
		"a service":          {User{ID: 7, OAuthID: "x", Roles: Service}, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			if got := horde.AccountOf(tt.user.WithAccount(t.Context())); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

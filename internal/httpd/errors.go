package httpd

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"horde/api"
	"horde/internal/horde"
)

// Codes of our own, for what the original answers without one or as HTML.
const (
	codeNotFound         horde.Code = "NotFound"
	codeMethodNotAllowed horde.Code = "MethodNotAllowed"
	codePayloadTooLarge  horde.Code = "PayloadTooLarge"
	codeTimeout          horde.Code = "RequestTimeout"
)

// Texts of the wire that programs and people know.
const (
	textNotUnderstood = "The browser (or proxy) sent a request that this server could not understand."
	textValidation    = "Input payload validation failed"
	textInternal      = "Internal Server Error"
	textUnknownURL    = "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again."
	textWrongMethod   = "The method is not allowed for the requested URL."
)

// statuses is the one table from return code to HTTP status
// (platform §5). Codes of status 400 are many and plain, so they are listed as words.
var statuses = func() map[horde.Code]int {
	table := map[horde.Code]int{}
	for status, codes := range map[int]string{
		http.StatusBadRequest: `
			MissingPrompt CorruptPrompt KudosValidationError NoValidActions InvalidSize InvalidPromptSize TooManySteps
			Profanity ProfaneWorkerName ProfaneBridgeAgent ProfaneWorkerInfo ProfaneUserName ProfaneUserContact
			ProfaneAdminComment ProfaneTeamName ProfaneTeamInfo TooLong TooLongWorkerName TooLongUserName
			NameAlreadyExists WorkerNameAlreadyExists TeamNameAlreadyExists PolymorphicNameConflict
			ImageValidationFailed SourceImageResolutionExceeded SourceImageSizeExceeded SourceImageUrlInvalid
			SourceImageUnreadable InpaintingMissingMask SourceMaskUnnecessary UnsupportedSampler UnsupportedModel
			ControlNetUnsupported ControlNetSourceMissing ControlNetInvalidPayload ControlNetInpaintingMismatch
			ControlNetMismatch ControlNetMismatch. SourceImageRequiredForModel UnexpectedModelName TooManyUpscalers
			ProcGenNotFound InvalidAestheticAttempt AestheticsNotCompleted AestheticsNotPublic AestheticsDuplicate
			AestheticsMissing AestheticsSolo AestheticsConfused AestheticsAlreadyExist AestheticsServerRejected
			AestheticsServerError AestheticsServerDown AestheticsServerTimeout DuplicateGen AbortedGen NoValidWorkers
			MaintenanceMode TargetAccountFlagged SourceAccountFlagged FaultWhenKudosReceiving FaultWhenKudosSending
			TooFastKudosTransfers KudosTransferToAnon KudosTransferToSelf KudosTransferNotEnough NegativeKudosTransfer
			KudosTransferFromAnon InvalidAwardUsername KudosAwardToAnon InvalidTargetUsername
			InvalidKudosTransferAmount IdempotencyKeyConflict EducationCannotSendKudos
			NoWorkerModSelected NoUserModSelected NoHordeModSelected NoTeamModSelected NoFilterModSelected
			NoSharedKeyModSelected BadRequest HiResFixMismatch HiResMismatch TooManyLoras BadLoraVersion TooManyTIs
			BetaComparisonFault BadCFGDecimals BadCFGNumber SpecialMissingPayload SpecialMissingUsername
			SpecialFieldNeedsSpecialUser Img2ImgMismatch TilingMismatch InvalidPriorityUsername
			OnlyServiceAccountProxy RequiresTrust InvalidRemix InvalidRemixModel InvalidExtraSourceImages
			InvalidExtraSourceImages. TooManyExtraSourceImages TooManyExtraSourceImages. MissingFullSamplerOrder
			TooManyStopSequences ExcessiveStopSequence TokenOverflow MoreThanMinExtraSourceImage
			MoreThanMinExtraSourceImage. InvalidExtraTexts InvalidExtraTexts. MissingExtraTexts MissingExtraTexts.
			InvalidTransparencyModel InvalidTransparencyImg2Img InvalidTransparencyCN StylePromptMissingVars
			StyleMismatch StyleGetMistmatch ExampleURLAlreadyInUse SharedKeyInvalid UserNotDeleted NulByteInPayload`,
		http.StatusUnauthorized: `InvalidAPIKey`,
		http.StatusForbidden: `
			Forbidden WrongCredentials NotAdmin NotModerator NotOwner NotPrivileged NotAllowedAwards AnonForbidden
			AnonForbiddenWorker AnonForbiddenUserMod AnonForbiddenUser StylesAnonForbidden StylesRequiresCustomizer
			NotTrusted UntrustedTeamCreation UntrustedUnsafeIP WorkerMaintenance WorkerFlaggedMaintenance
			TooManySameIPs WorkerInviteOnly UnsafeIP TimeoutIP TooManyNewIPs TooManyWorkers TooManyWorkersTrusted
			KudosUpfront SharedKeyEmpty SharedKeyExpired SharedKeyAssignedStyles SharedKeyInsufficientKudos
			BannedClientAgent BadClientAgent BetaAnonForbidden SpecialForbidden SpecialModelNeedsSpecialUser
			TooManyStyleExamples DeletedUser CannotDeleteMod NotUserOrMod CannotWipeActiveUser NonServiceForbidden
			MessagesOnlyOwnWorkers`,
		http.StatusNotFound: `
			UserNotFound WorkerNotFound TeamNotFound RequestNotFound InvalidJobID FilterNotFound StyleNotFound
			CollectionNotFound WorkermessageNotFound ThingNotFound NotFound`,
		http.StatusMethodNotAllowed:      `MethodNotAllowed`,
		http.StatusRequestTimeout:        `RequestTimeout`,
		http.StatusGone:                  `RequestExpired`,
		http.StatusRequestEntityTooLarge: `PayloadTooLarge`,
		http.StatusLocked:                `Locked`,
		http.StatusTooManyRequests:       `TooManyPrompts`,
	} {
		for code := range strings.FieldsSeq(codes) {
			table[horde.Code(code)] = status
		}
	}
	// Their names have a space.
	for _, code := range []horde.Code{"Image styleNotFound", "Text styleNotFound", "Style exampleNotFound"} {
		table[code] = http.StatusNotFound
	}
	return table
}()

// statusOf is the HTTP status of a return code; an error without a code is a
// refusal of the call itself: 400.
func statusOf(code horde.Code) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	if strings.HasSuffix(string(code), "NotFound") {
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}

// notUnderstood is the answer to a body that is no JSON.
func notUnderstood() error { return &horde.Error{Detail: textNotUnderstood} }

// invalid is the answer to a body or parameter that fails validation: path →
// what is wrong, without a code.
func invalid(fields map[string]string) error {
	return &horde.Error{Detail: textValidation, Fields: fields}
}

func invalidField(path, problem string) error {
	return invalid(map[string]string{path: problem})
}

// refusedAs is a refusal whose status is another than its code's usual one.
type refusedAs struct {
	error
	status int
}

func (e refusedAs) Unwrap() error { return e.error }

// writeError answers with err. A *horde.Error anywhere in its chain is shown;
// everything else may hold what strangers must not see, so it is logged and
// answered with the bare text.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if wrote(w) {
		// Nothing can be said any more: the answer has begun.
		s.log.LogAttrs(r.Context(), slog.LevelWarn, "answer broken off", slog.Any("err", err))
		return
	}
	var refused *horde.Error
	if errors.As(err, &refused) {
		status := statusOf(refused.Code)
		if as := (refusedAs{}); errors.As(err, &as) {
			status = as.status
		}
		s.writeRefusal(w, r, refused, status)
		return
	}
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		w.WriteHeader(statusClientGone)
		return
	}
	s.log.LogAttrs(r.Context(), slog.LevelError, "internal error",
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("err", err))
	s.writeRefused(w, r, http.StatusInternalServerError, &api.Error{Message: textInternal})
}

// detailOf is what a refusal says to its caller.
func detailOf(err error) string {
	var e *horde.Error
	if errors.As(err, &e) {
		return e.Detail
	}
	return ""
}

// statusClientGone never reaches anybody: it is for the log and the metrics.
const statusClientGone = 499

func (s *Server) writeRefusal(w http.ResponseWriter, r *http.Request, e *horde.Error, status int) {
	body := api.Error{Message: e.Detail, RC: string(e.Code), Errors: e.Fields}
	if len(e.Fields) > 0 && body.Message == "" {
		body.Message = textValidation
	}
	if e.RetryAfter > 0 {
		seconds := (e.RetryAfter + 1e9 - 1) / 1e9
		w.Header()["Retry-After"] = []string{strconv.FormatInt(int64(seconds), 10)}
	}
	s.writeRefused(w, r, status, &body)
}

package horde

import "errors"

// Code names why a call was refused. It is the rc of the wire (platform §5),
// spelled as programs know it: some end in a full stop, three have a space. Every
// code is declared here and has its HTTP status in statuses.go; a test fails for one
// that has none.
type Code string

// The request and what it asks for.
const (
	MissingPrompt                Code = "MissingPrompt"
	CorruptPrompt                Code = "CorruptPrompt"
	KudosValidationError         Code = "KudosValidationError"
	NoValidActions               Code = "NoValidActions"
	InvalidSize                  Code = "InvalidSize"
	InvalidPromptSize            Code = "InvalidPromptSize"
	TooManySteps                 Code = "TooManySteps"
	UnsupportedSampler           Code = "UnsupportedSampler"
	UnsupportedModel             Code = "UnsupportedModel"
	UnexpectedModelName          Code = "UnexpectedModelName"
	TooManyUpscalers             Code = "TooManyUpscalers"
	HiResFixMismatch             Code = "HiResFixMismatch"
	HiResMismatch                Code = "HiResMismatch"
	TooManyLoras                 Code = "TooManyLoras"
	BadLoraVersion               Code = "BadLoraVersion"
	TooManyTIs                   Code = "TooManyTIs"
	BadCFGDecimals               Code = "BadCFGDecimals"
	BadCFGNumber                 Code = "BadCFGNumber"
	Img2ImgMismatch              Code = "Img2ImgMismatch"
	TilingMismatch               Code = "TilingMismatch"
	RequiresTrust                Code = "RequiresTrust"
	NoValidWorkers               Code = "NoValidWorkers"
	MaintenanceMode              Code = "MaintenanceMode"
	BetaAnonForbidden            Code = "BetaAnonForbidden"
	BetaComparisonFault          Code = "BetaComparisonFault"
	SpecialMissingPayload        Code = "SpecialMissingPayload"
	SpecialMissingUsername       Code = "SpecialMissingUsername"
	SpecialForbidden             Code = "SpecialForbidden"
	SpecialModelNeedsSpecialUser Code = "SpecialModelNeedsSpecialUser"
	SpecialFieldNeedsSpecialUser Code = "SpecialFieldNeedsSpecialUser"
	InvalidTransparencyModel     Code = "InvalidTransparencyModel"
	InvalidTransparencyImg2Img   Code = "InvalidTransparencyImg2Img"
	InvalidTransparencyCN        Code = "InvalidTransparencyCN"
)

// Source images, masks and ControlNet.
const (
	ImageValidationFailed               Code = "ImageValidationFailed"
	SourceImageResolutionExceeded       Code = "SourceImageResolutionExceeded"
	SourceImageSizeExceeded             Code = "SourceImageSizeExceeded"
	SourceImageUrlInvalid               Code = "SourceImageUrlInvalid"
	SourceImageUnreadable               Code = "SourceImageUnreadable"
	SourceImageRequiredForModel         Code = "SourceImageRequiredForModel"
	InpaintingMissingMask               Code = "InpaintingMissingMask"
	SourceMaskUnnecessary               Code = "SourceMaskUnnecessary"
	ControlNetUnsupported               Code = "ControlNetUnsupported"
	ControlNetSourceMissing             Code = "ControlNetSourceMissing"
	ControlNetInvalidPayload            Code = "ControlNetInvalidPayload"
	ControlNetInpaintingMismatch        Code = "ControlNetInpaintingMismatch"
	ControlNetMismatch                  Code = "ControlNetMismatch"
	ControlNetMismatchWithStop          Code = "ControlNetMismatch."
	InvalidRemix                        Code = "InvalidRemix"
	InvalidRemixModel                   Code = "InvalidRemixModel"
	InvalidExtraSourceImages            Code = "InvalidExtraSourceImages"
	InvalidExtraSourceImagesWithStop    Code = "InvalidExtraSourceImages."
	TooManyExtraSourceImages            Code = "TooManyExtraSourceImages"
	TooManyExtraSourceImagesWithStop    Code = "TooManyExtraSourceImages."
	MoreThanMinExtraSourceImage         Code = "MoreThanMinExtraSourceImage"
	MoreThanMinExtraSourceImageWithStop Code = "MoreThanMinExtraSourceImage."
	InvalidExtraTexts                   Code = "InvalidExtraTexts"
	InvalidExtraTextsWithStop           Code = "InvalidExtraTexts."
	MissingExtraTexts                   Code = "MissingExtraTexts"
	MissingExtraTextsWithStop           Code = "MissingExtraTexts."
)

// Text generation.
const (
	MissingFullSamplerOrder Code = "MissingFullSamplerOrder"
	TooManyStopSequences    Code = "TooManyStopSequences"
	ExcessiveStopSequence   Code = "ExcessiveStopSequence"
	TokenOverflow           Code = "TokenOverflow"
)

// Names and texts that people write.
const (
	Profanity               Code = "Profanity"
	ProfaneWorkerName       Code = "ProfaneWorkerName"
	ProfaneBridgeAgent      Code = "ProfaneBridgeAgent"
	ProfaneWorkerInfo       Code = "ProfaneWorkerInfo"
	ProfaneUserName         Code = "ProfaneUserName"
	ProfaneUserContact      Code = "ProfaneUserContact"
	ProfaneAdminComment     Code = "ProfaneAdminComment"
	ProfaneTeamName         Code = "ProfaneTeamName"
	ProfaneTeamInfo         Code = "ProfaneTeamInfo"
	TooLong                 Code = "TooLong"
	TooLongWorkerName       Code = "TooLongWorkerName"
	TooLongUserName         Code = "TooLongUserName"
	NameAlreadyExists       Code = "NameAlreadyExists"
	WorkerNameAlreadyExists Code = "WorkerNameAlreadyExists"
	TeamNameAlreadyExists   Code = "TeamNameAlreadyExists"
	PolymorphicNameConflict Code = "PolymorphicNameConflict"
)

// Jobs and their delivery.
const (
	RequestNotFound Code = "RequestNotFound"
	RequestExpired  Code = "RequestExpired"
	InvalidJobID    Code = "InvalidJobID"
	DuplicateGen    Code = "DuplicateGen"
	AbortedGen      Code = "AbortedGen"
	TooManyPrompts  Code = "TooManyPrompts"
)

// Who is asking, and what they may do.
const (
	InvalidAPIKey           Code = "InvalidAPIKey"
	WrongCredentials        Code = "WrongCredentials"
	Forbidden               Code = "Forbidden"
	NotAdmin                Code = "NotAdmin"
	NotModerator            Code = "NotModerator"
	NotOwner                Code = "NotOwner"
	NotPrivileged           Code = "NotPrivileged"
	NotTrusted              Code = "NotTrusted"
	AnonForbidden           Code = "AnonForbidden"
	AnonForbiddenWorker     Code = "AnonForbiddenWorker"
	AnonForbiddenUserMod    Code = "AnonForbiddenUserMod"
	AnonForbiddenUser       Code = "AnonForbiddenUser"
	InvalidPriorityUsername Code = "InvalidPriorityUsername"
	OnlyServiceAccountProxy Code = "OnlyServiceAccountProxy"
	NonServiceForbidden     Code = "NonServiceForbidden"
	BannedClientAgent       Code = "BannedClientAgent"
	BadClientAgent          Code = "BadClientAgent"
)

// Users.
const (
	UserNotFound         Code = "UserNotFound"
	UserNotDeleted       Code = "UserNotDeleted"
	DeletedUser          Code = "DeletedUser"
	CannotDeleteMod      Code = "CannotDeleteMod"
	CannotWipeActiveUser Code = "CannotWipeActiveUser"
	NotUserOrMod         Code = "NotUserOrMod"
	NoUserModSelected    Code = "NoUserModSelected"
)

// Workers and teams.
const (
	WorkerNotFound           Code = "WorkerNotFound"
	TeamNotFound             Code = "TeamNotFound"
	WorkermessageNotFound    Code = "WorkermessageNotFound"
	MessagesOnlyOwnWorkers   Code = "MessagesOnlyOwnWorkers"
	WorkerMaintenance        Code = "WorkerMaintenance"
	WorkerFlaggedMaintenance Code = "WorkerFlaggedMaintenance"
	WorkerInviteOnly         Code = "WorkerInviteOnly"
	TooManyWorkers           Code = "TooManyWorkers"
	TooManyWorkersTrusted    Code = "TooManyWorkersTrusted"
	TooManySameIPs           Code = "TooManySameIPs"
	NoWorkerModSelected      Code = "NoWorkerModSelected"
	UntrustedTeamCreation    Code = "UntrustedTeamCreation"
	NoTeamModSelected        Code = "NoTeamModSelected"
)

// Network addresses.
const (
	TimeoutIP         Code = "TimeoutIP"
	UnsafeIP          Code = "UnsafeIP"
	UntrustedUnsafeIP Code = "UntrustedUnsafeIP"
	TooManyNewIPs     Code = "TooManyNewIPs"
)

// Kudos.
const (
	KudosUpfront               Code = "KudosUpfront"
	KudosTransferNotEnough     Code = "KudosTransferNotEnough"
	KudosTransferToAnon        Code = "KudosTransferToAnon"
	KudosTransferToSelf        Code = "KudosTransferToSelf"
	KudosTransferFromAnon      Code = "KudosTransferFromAnon"
	NegativeKudosTransfer      Code = "NegativeKudosTransfer"
	InvalidKudosTransferAmount Code = "InvalidKudosTransferAmount"
	InvalidTargetUsername      Code = "InvalidTargetUsername"
	TooFastKudosTransfers      Code = "TooFastKudosTransfers"
	TargetAccountFlagged       Code = "TargetAccountFlagged"
	SourceAccountFlagged       Code = "SourceAccountFlagged"
	FaultWhenKudosReceiving    Code = "FaultWhenKudosReceiving"
	FaultWhenKudosSending      Code = "FaultWhenKudosSending"
	EducationCannotSendKudos   Code = "EducationCannotSendKudos"
	IdempotencyKeyConflict     Code = "IdempotencyKeyConflict"
	InvalidAwardUsername       Code = "InvalidAwardUsername"
	KudosAwardToAnon           Code = "KudosAwardToAnon"
	NotAllowedAwards           Code = "NotAllowedAwards"
)

// Shared keys.
const (
	SharedKeyInvalid           Code = "SharedKeyInvalid"
	SharedKeyEmpty             Code = "SharedKeyEmpty"
	SharedKeyExpired           Code = "SharedKeyExpired"
	SharedKeyInsufficientKudos Code = "SharedKeyInsufficientKudos"
	SharedKeyAssignedStyles    Code = "SharedKeyAssignedStyles"
	NoSharedKeyModSelected     Code = "NoSharedKeyModSelected"
)

// Styles and collections.
const (
	StyleNotFound            Code = "StyleNotFound"
	ImageStyleNotFound       Code = "Image styleNotFound"
	TextStyleNotFound        Code = "Text styleNotFound"
	StyleExampleNotFound     Code = "Style exampleNotFound"
	CollectionNotFound       Code = "CollectionNotFound"
	StylesAnonForbidden      Code = "StylesAnonForbidden"
	StylesRequiresCustomizer Code = "StylesRequiresCustomizer"
	StylePromptMissingVars   Code = "StylePromptMissingVars"
	StyleMismatch            Code = "StyleMismatch"
	StyleGetMismatch         Code = "StyleGetMistmatch"
	TooManyStyleExamples     Code = "TooManyStyleExamples"
	ExampleURLAlreadyInUse   Code = "ExampleURLAlreadyInUse"
)

// Ratings.
const (
	ProcGenNotFound          Code = "ProcGenNotFound"
	InvalidAestheticAttempt  Code = "InvalidAestheticAttempt"
	AestheticsNotCompleted   Code = "AestheticsNotCompleted"
	AestheticsNotPublic      Code = "AestheticsNotPublic"
	AestheticsDuplicate      Code = "AestheticsDuplicate"
	AestheticsMissing        Code = "AestheticsMissing"
	AestheticsSolo           Code = "AestheticsSolo"
	AestheticsConfused       Code = "AestheticsConfused"
	AestheticsAlreadyExist   Code = "AestheticsAlreadyExist"
	AestheticsServerRejected Code = "AestheticsServerRejected"
	AestheticsServerError    Code = "AestheticsServerError"
	AestheticsServerDown     Code = "AestheticsServerDown"
	AestheticsServerTimeout  Code = "AestheticsServerTimeout"
)

// Moderation and the horde itself.
const (
	FilterNotFound      Code = "FilterNotFound"
	NoFilterModSelected Code = "NoFilterModSelected"
	NoHordeModSelected  Code = "NoHordeModSelected"
	Locked              Code = "Locked"
)

// Links to images of a folder store. The original has none.
const (
	BlobNotFound    Code = "BlobNotFound"
	BlobLinkInvalid Code = "BlobLinkInvalid"
	BlobLinkExpired Code = "BlobLinkExpired"
	BlobTooLarge    Code = "BlobTooLarge"
	BlobIncomplete  Code = "BlobIncomplete"
	BlobLinkEnded   Code = "BlobLinkEnded"
	StorageFull     Code = "StorageFull"
	StorageQuota    Code = "StorageQuota"
)

// The call itself.
const (
	BadRequest       Code = "BadRequest"
	NulByteInPayload Code = "NulByteInPayload"

	// The original answers these without a code, or as HTML.
	NotFound            Code = "NotFound"
	MethodNotAllowed    Code = "MethodNotAllowed"
	PayloadTooLarge     Code = "PayloadTooLarge"
	RequestTimeout      Code = "RequestTimeout"
	InternalServerError Code = "InternalServerError"

	// ServerBusy: more than this server can do at once; it says when to try again.
	ServerBusy Code = "ServerBusy"
)

// CodeOf returns the code of the first Error in err's chain, or "".
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

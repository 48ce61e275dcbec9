package dev.lanyard.kit

import dev.lanyard.bindings.AcceptException
import dev.lanyard.bindings.AnswerException
import dev.lanyard.bindings.AskedClaimRecord
import dev.lanyard.bindings.CandidateRecord
import dev.lanyard.bindings.CardPictureKind
import dev.lanyard.bindings.CardRecord
import dev.lanyard.bindings.CardStanding
import dev.lanyard.bindings.ClaimRow
import dev.lanyard.bindings.ClaimSetRecord
import dev.lanyard.bindings.ConsentException
import dev.lanyard.bindings.ContactKind
import dev.lanyard.bindings.ContactRecord
import dev.lanyard.bindings.ContactToShowRecord
import dev.lanyard.bindings.HistoryKind
import dev.lanyard.bindings.HistoryKindName
import dev.lanyard.bindings.HistoryQuery
import dev.lanyard.bindings.HistoryRecord
import dev.lanyard.bindings.HolderConsent
import dev.lanyard.bindings.HolderSelection
import dev.lanyard.bindings.InventoryRecord
import dev.lanyard.bindings.LoginException
import dev.lanyard.bindings.LoginOffer
import dev.lanyard.bindings.LoginStep
import dev.lanyard.bindings.MetadataSignature
import dev.lanyard.bindings.NoticeRecord
import dev.lanyard.bindings.OfferException
import dev.lanyard.bindings.OfferReview
import dev.lanyard.bindings.OfferStep
import dev.lanyard.bindings.OfferedRecord
import dev.lanyard.bindings.OpenException
import dev.lanyard.bindings.OverAskedRecord
import dev.lanyard.bindings.OverAskingKind
import dev.lanyard.bindings.PickRecord
import dev.lanyard.bindings.PickedRecord
import dev.lanyard.bindings.PictureRecord
import dev.lanyard.bindings.PinException
import dev.lanyard.bindings.PlatformPresentation
import dev.lanyard.bindings.PresentationRequest
import dev.lanyard.bindings.QueryRecord
import dev.lanyard.bindings.ReadyOffer
import dev.lanyard.bindings.RecoveryException
import dev.lanyard.bindings.RecoveryKit
import dev.lanyard.bindings.RegisteredClaimRecord
import dev.lanyard.bindings.RegistrationRecord
import dev.lanyard.bindings.RequestChoices
import dev.lanyard.bindings.RequestException
import dev.lanyard.bindings.SetRecord
import dev.lanyard.bindings.SharedWithRecord
import dev.lanyard.bindings.StatusRecord
import dev.lanyard.bindings.StatusValue
import dev.lanyard.bindings.StoreException
import dev.lanyard.bindings.ToldRecord
import dev.lanyard.bindings.TransactionRecord
import dev.lanyard.bindings.TrustLevel
import dev.lanyard.bindings.TxCodeOffer
import dev.lanyard.bindings.TxCodeRecord
import dev.lanyard.bindings.UnusableRecord
import dev.lanyard.bindings.VerifierRecord
import dev.lanyard.bindings.WaitingRecord
import dev.lanyard.bindings.WalletOptions

// The names under which apps know what the bindings generate: this module alone imports them.

typealias Options = WalletOptions
typealias SignedMetadata = MetadataSignature
typealias Card = CardRecord
typealias Standing = CardStanding
typealias Picture = PictureRecord
typealias PictureKind = CardPictureKind
typealias Status = StatusRecord
typealias StatusWord = StatusValue
typealias Claim = ClaimRow
typealias Waiting = WaitingRecord
typealias HistoryEntry = HistoryRecord
typealias HistoryEvent = HistoryKind
typealias HistoryEventKind = HistoryKindName
typealias HistoryFilter = HistoryQuery
typealias SharedWith = SharedWithRecord
typealias CardNotice = NoticeRecord
typealias Recovery = RecoveryKit
typealias InventoryItem = InventoryRecord
typealias Registration = RegistrationRecord
typealias RegisteredClaim = RegisteredClaimRecord

typealias Offer = OfferStep
typealias OfferWithCode = TxCodeOffer
typealias OfferWithLogin = LoginOffer
typealias OfferReadyToAccept = ReadyOffer
typealias OfferToShow = OfferReview
typealias OfferedCard = OfferedRecord
typealias CodeToAsk = TxCodeRecord
typealias LoginInBrowser = LoginStep

typealias Request = PresentationRequest
typealias PlatformRequest = PlatformPresentation
typealias Verifier = VerifierRecord
typealias Trust = TrustLevel
typealias Told = ToldRecord
typealias Contact = ContactRecord
typealias ContactToShow = ContactToShowRecord
typealias ContactUse = ContactKind
typealias Choices = RequestChoices
typealias Purpose = SetRecord
typealias Query = QueryRecord
typealias Candidate = CandidateRecord
typealias ClaimSet = ClaimSetRecord
typealias AskedClaim = AskedClaimRecord
typealias OverAsked = OverAskedRecord
typealias OverAsking = OverAskingKind
typealias UnusableCard = UnusableRecord
typealias Selection = HolderSelection
typealias Pick = PickRecord
typealias PickedCard = PickedRecord
typealias Transaction = TransactionRecord
typealias Consent = HolderConsent

typealias OpenFailed = OpenException
typealias StoreFailed = StoreException
typealias OfferFailed = OfferException
typealias AcceptFailed = AcceptException
typealias LoginFailed = LoginException
typealias RequestFailed = RequestException
typealias ConsentFailed = ConsentException
typealias AnswerFailed = AnswerException
typealias RecoveryFailed = RecoveryException
typealias PinFailed = PinException

// The cases of the above, which Kotlin does not reach through the name of a whole.

typealias OfferRequiresTxCode = OfferStep.RequiresTxCode
typealias OfferRequiresLogin = OfferStep.RequiresLogin
typealias OfferReady = OfferStep.Ready

typealias HistoryEventReceived = HistoryKind.Received
typealias HistoryEventDeferred = HistoryKind.Deferred
typealias HistoryEventOfferDeclined = HistoryKind.OfferDeclined
typealias HistoryEventIssuanceFailed = HistoryKind.IssuanceFailed
typealias HistoryEventPresented = HistoryKind.Presented
typealias HistoryEventRequestDeclined = HistoryKind.RequestDeclined
typealias HistoryEventPresentationFailed = HistoryKind.PresentationFailed
typealias HistoryEventDeleted = HistoryKind.Deleted

typealias TransactionPayment = TransactionRecord.Payment
typealias TransactionDocumentSigning = TransactionRecord.DocumentSigning

typealias OpenFailedKeyUnavailable = OpenException.KeyUnavailable
typealias OpenFailedWrongKey = OpenException.WrongKey
typealias OpenFailedNewerVersion = OpenException.NewerVersion
typealias OpenFailedBusy = OpenException.Busy
typealias OpenFailedUnusable = OpenException.Unusable

typealias StoreFailedBusy = StoreException.Busy
typealias StoreFailedUnusable = StoreException.Unusable

typealias OfferFailedUnreachable = OfferException.Unreachable
typealias OfferFailedRefused = OfferException.Refused

typealias AcceptFailedTxCodeForm = AcceptException.TxCodeForm
typealias AcceptFailedTxCodeWrong = AcceptException.TxCodeWrong
typealias AcceptFailedTryAgain = AcceptException.TryAgain
typealias AcceptFailedAlreadyUsed = AcceptException.AlreadyUsed
typealias AcceptFailedFailed = AcceptException.Failed

typealias LoginFailedDeclined = LoginException.Declined
typealias LoginFailedNotOurs = LoginException.NotOurs
typealias LoginFailedUnreachable = LoginException.Unreachable
typealias LoginFailedAlreadyUsed = LoginException.AlreadyUsed
typealias LoginFailedFailed = LoginException.Failed

typealias RequestFailedUnreachable = RequestException.Unreachable
typealias RequestFailedRefused = RequestException.Refused

typealias ConsentFailedNothingFits = ConsentException.NothingFits
typealias ConsentFailedSelection = ConsentException.Selection
typealias ConsentFailedNotAuthenticated = ConsentException.NotAuthenticated
typealias ConsentFailedAlreadyUsed = ConsentException.AlreadyUsed

typealias AnswerFailedUnreachable = AnswerException.Unreachable
typealias AnswerFailedNotTaken = AnswerException.NotTaken
typealias AnswerFailedAlreadyUsed = AnswerException.AlreadyUsed
typealias AnswerFailedFailed = AnswerException.Failed

typealias PinFailedNotSet = PinException.NotSet
typealias PinFailedWrong = PinException.Wrong
typealias PinFailedLocked = PinException.Locked
typealias PinFailedForm = PinException.Form
typealias PinFailedEasy = PinException.Easy
typealias PinFailedUnusable = PinException.Unusable

typealias RecoveryFailedCode = RecoveryException.Code
typealias RecoveryFailedClosed = RecoveryException.Closed

import LanyardBindings

// The names under which apps know what the bindings generate: this module alone imports them.

public typealias Options = WalletOptions
public typealias SignedMetadata = MetadataSignature
public typealias Card = CardRecord
public typealias Standing = CardStanding
public typealias Picture = PictureRecord
public typealias PictureKind = CardPictureKind
public typealias Status = StatusRecord
public typealias StatusWord = StatusValue
public typealias Claim = ClaimRow
public typealias Waiting = WaitingRecord
public typealias HistoryEntry = HistoryRecord
public typealias HistoryEvent = HistoryKind
public typealias HistoryEventKind = HistoryKindName
public typealias HistoryFilter = HistoryQuery
public typealias SharedWith = SharedWithRecord
public typealias CardNotice = NoticeRecord
public typealias Recovery = RecoveryKit
public typealias InventoryItem = InventoryRecord
public typealias Registration = RegistrationRecord
public typealias RegisteredClaim = RegisteredClaimRecord

public typealias Offer = OfferStep
public typealias OfferWithCode = TxCodeOffer
public typealias OfferWithLogin = LoginOffer
public typealias OfferReadyToAccept = ReadyOffer
public typealias OfferToShow = OfferReview
public typealias OfferedCard = OfferedRecord
public typealias CodeToAsk = TxCodeRecord

public typealias Request = PresentationRequest
public typealias PlatformRequest = PlatformPresentation
public typealias Verifier = VerifierRecord
public typealias Trust = TrustLevel
public typealias Told = ToldRecord
public typealias Contact = ContactRecord
public typealias ContactToShow = ContactToShowRecord
public typealias ContactUse = ContactKind
public typealias Choices = RequestChoices
public typealias Purpose = SetRecord
public typealias Query = QueryRecord
public typealias Candidate = CandidateRecord
public typealias ClaimSet = ClaimSetRecord
public typealias AskedClaim = AskedClaimRecord
public typealias OverAsked = OverAskedRecord
public typealias OverAsking = OverAskingKind
public typealias UnusableCard = UnusableRecord
public typealias Selection = HolderSelection
public typealias Pick = PickRecord
public typealias PickedCard = PickedRecord
public typealias Transaction = TransactionRecord
public typealias Consent = HolderConsent

public typealias OpenFailed = OpenError
public typealias StoreFailed = StoreError
public typealias OfferFailed = OfferError
public typealias AcceptFailed = AcceptError
public typealias LoginFailed = LoginError
public typealias RequestFailed = RequestError
public typealias ConsentFailed = ConsentError
public typealias AnswerFailed = AnswerError
public typealias RecoveryFailed = RecoveryError
public typealias PinFailed = PinError

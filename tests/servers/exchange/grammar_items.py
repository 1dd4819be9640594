"""The lines of ``schema`` for items: messages, meetings, and the answers to them."""

_ITEM_FIELDS = (
    "ItemId ParentFolderId ItemClass MimeContent Attachments Subject DateTimeReceived Size Categories HasAttachments "
    "Importance InReplyTo InternetMessageHeaders IsAssociated IsDraft IsFromMe IsResend IsSubmitted IsUnmodified "
    "DateTimeSent DateTimeCreated Body ResponseObjects Sensitivity ReminderDueBy ReminderIsSet ReminderNextTime "
    "ReminderMinutesBeforeStart DisplayTo DisplayCc DisplayBcc Culture EffectiveRights LastModifiedName "
    "LastModifiedTime ConversationId UniqueBody Flag StoreEntryId InstanceKey NormalizedBody EntityExtractionResult "
    "PolicyTag ArchiveTag RetentionDate Preview NextPredictedAction GroupingAction PredictedActionReasons IsClutter "
    "BlockStatus HasBlockedImages TextBody IconIndex SearchKey SortKey Hashtags Mentions MentionedMe "
    "WebClientReadFormQueryString WebClientEditFormQueryString RightsManagementLicenseData MimeContentUTF8"
)
_MESSAGE_FIELDS = (
    "ConversationIndex ConversationTopic InternetMessageId IsRead IsResponseRequested IsReadReceiptRequested "
    "IsDeliveryReceiptRequested ReceivedBy ReceivedRepresenting References ReplyTo From Sender ToRecipients "
    "CcRecipients BccRecipients ApprovalRequestData VotingInformation ReminderMessageData"
)
_MEETING_FIELDS = (
    "AssociatedCalendarItemId IsDelegated IsOutOfDate HasBeenProcessed ResponseType ProposedStart ProposedEnd"
)
_FOLDER_FIELDS = (
    "FolderId ParentFolderId DisplayName UnreadCount TotalCount ChildFolderCount FolderClass SearchParameters "
    "ManagedFolderInformation PermissionSet EffectiveRights SharingEffectiveRights DistinguishedFolderId PolicyTag "
    "ArchiveTag"
)
_CALENDAR_FIELDS = (
    "Start End OriginalStart StartWallClock EndWallClock StartTimeZoneId EndTimeZoneId IsAllDayEvent "
    "LegacyFreeBusyStatus Location When IsMeeting IsCancelled IsRecurring MeetingRequestWasSent IsResponseRequested "
    "CalendarItemType MyResponseType Organizer RequiredAttendees OptionalAttendees Resources ConflictingMeetingCount "
    "AdjacentMeetingCount ConflictingMeetings AdjacentMeetings Duration TimeZone AppointmentReplyTime "
    "AppointmentSequenceNumber AppointmentState FirstOccurrence LastOccurrence ModifiedOccurrences DeletedOccurrences "
    "MeetingTimeZone ConferenceType AllowNewTimeProposal IsOnlineMeeting MeetingWorkspaceUrl NetShowUrl UID "
    "RecurrenceId DateTimeStamp StartTimeZone EndTimeZone JoinOnlineMeetingUrl OnlineMeetingSettings Recurrence "
    "EnhancedLocation IsOrganizer IsSeriesCancelled IntendedFreeBusyStatus"
)

FIELD_URIS = [
    f"{family}:{name}"
    for family, names in (
        ("item", _ITEM_FIELDS),
        ("message", _MESSAGE_FIELDS),
        ("meeting", _MEETING_FIELDS),
        ("folder", _FOLDER_FIELDS),
        ("meetingRequest", "MeetingRequestType IntendedFreeBusyStatus ChangeHighlights"),
        ("calendar", _CALENDAR_FIELDS),
    )
    for name in names.split()
]
"""The field URIs a request may name; another one is against the schema."""

_RESPONSE = "t:ReferenceItemId t:NewBodyContent?"

ITEMS = f"""
$stored = (t:Item | t:Message | t:CalendarItem)
$base = t:MimeContent? t:ItemId? t:ParentFolderId? t:ItemClass? t:Subject? t:Sensitivity? t:Body? t:Attachments? \
 t:DateTimeReceived? t:Size? t:Categories? t:Importance? t:InReplyTo? t:IsSubmitted? t:IsDraft? t:IsFromMe? \
 t:IsResend? t:IsUnmodified? t:InternetMessageHeaders? t:DateTimeSent? t:DateTimeCreated? t:ResponseObjects? \
 t:ReminderDueBy? t:ReminderIsSet? t:ReminderNextTime? t:ReminderMinutesBeforeStart? t:DisplayCc? t:DisplayTo? \
 t:DisplayBcc? t:HasAttachments? t:ExtendedProperty* t:Culture? t:EffectiveRights? t:LastModifiedName? \
 t:LastModifiedTime? t:IsAssociated? t:WebClientReadFormQueryString? t:WebClientEditFormQueryString? \
 t:ConversationId? t:UniqueBody? t:Flag? t:StoreEntryId? t:InstanceKey? t:NormalizedBody? t:PolicyTag? \
 t:ArchiveTag? t:RetentionDate? t:Preview? t:TextBody? t:IconIndex?
t:Item = $base
t:Message = $base t:Sender? t:ToRecipients? t:CcRecipients? t:BccRecipients? t:IsReadReceiptRequested? \
 t:IsDeliveryReceiptRequested? t:ConversationIndex? t:ConversationTopic? t:From? t:InternetMessageId? t:IsRead? \
 t:IsResponseRequested? t:References? t:ReplyTo? t:ReceivedBy? t:ReceivedRepresenting?
t:CalendarItem = $base t:UID? t:RecurrenceId? t:DateTimeStamp? t:Start? t:End? t:OriginalStart? t:IsAllDayEvent? \
 t:LegacyFreeBusyStatus? t:Location? t:When? t:IsMeeting? t:IsCancelled? t:IsRecurring? t:MeetingRequestWasSent? \
 t:IsResponseRequested? t:CalendarItemType? t:MyResponseType? t:Organizer? t:RequiredAttendees? t:OptionalAttendees? \
 t:Resources? t:ConflictingMeetingCount? t:AdjacentMeetingCount? t:Duration? t:TimeZone? t:AppointmentReplyTime? \
 t:AppointmentSequenceNumber? t:AppointmentState? t:StartTimeZone? t:EndTimeZone? t:ConferenceType? \
 t:AllowNewTimeProposal? t:IsOnlineMeeting?
t:MeetingMessage = $t:Message t:AssociatedCalendarItemId? t:IsDelegated? t:IsOutOfDate? t:HasBeenProcessed? \
 t:ResponseType? t:UID? t:RecurrenceId? t:DateTimeStamp? t:IsOrganizer?
t:MeetingRequest = $t:MeetingMessage t:MeetingRequestType? t:IntendedFreeBusyStatus? t:Start? t:End? t:Location?
t:MeetingResponse = $t:MeetingMessage t:Start? t:End? t:Location? t:RecurrenceItem? t:ProposedStart? t:ProposedEnd?
t:MeetingCancellation = $t:MeetingMessage t:Start? t:End? t:Location?
$smart = t:Subject? t:Body? t:ToRecipients? t:CcRecipients? t:BccRecipients? t:IsReadReceiptRequested? \
 t:IsDeliveryReceiptRequested? t:From?
$known = t:ItemClass? t:Sensitivity? t:Body? t:Attachments? t:InternetMessageHeaders? t:Sender? t:ToRecipients? \
 t:CcRecipients? t:BccRecipients? t:IsReadReceiptRequested? t:IsDeliveryReceiptRequested? t:ReferenceItemId
t:ReplyToItem = $smart {_RESPONSE}
t:ReplyAllToItem = $smart {_RESPONSE}
t:ForwardItem = $smart {_RESPONSE}
t:CancelCalendarItem = $smart {_RESPONSE}
t:AcceptItem = $known t:ProposedStart? t:ProposedEnd?
t:TentativelyAcceptItem = $t:AcceptItem
t:DeclineItem = $t:AcceptItem
t:SuppressReadReceipt = t:ReferenceItemId
t:RemoveItem = t:ReferenceItemId
m:Items = (t:Item | t:Message | t:CalendarItem | t:ReplyToItem | t:ReplyAllToItem | t:ForwardItem | t:AcceptItem \
 | t:TentativelyAcceptItem | t:DeclineItem | t:CancelCalendarItem | t:SuppressReadReceipt | t:RemoveItem)+
t:ReferenceItemId = @Id @ChangeKey? empty
t:ParentFolderId = @Id @ChangeKey? empty
t:MimeContent = @CharacterSet? base64
t:Body = @BodyType:HTML,Text @IsTruncated?:bool text
t:NewBodyContent = @BodyType:HTML,Text @IsTruncated?:bool text
t:Sensitivity = Normal|Personal|Private|Confidential
t:Importance = Low|Normal|High
t:IsRead = bool
t:IsDraft = bool
t:IsReadReceiptRequested = bool
t:IsDeliveryReceiptRequested = bool
t:IsResponseRequested = bool
t:IsAllDayEvent = bool
t:ReminderIsSet = bool
t:IsAssociated = bool
t:ConversationIndex = base64
t:DateTimeSent = date
t:DateTimeReceived = date
t:DateTimeCreated = date
t:Start = date
t:End = date
t:ProposedStart = date
t:ProposedEnd = date
t:LegacyFreeBusyStatus = Free|Tentative|Busy|OOF|WorkingElsewhere|NoData
t:Categories = t:String*
t:Flag = t:FlagStatus t:StartDate? t:DueDate? t:CompleteDate?
t:FlagStatus = NotFlagged|Flagged|Complete
t:InternetMessageHeaders = t:InternetMessageHeader+
t:InternetMessageHeader = @HeaderName text
t:ExtendedProperty = t:ExtendedFieldURI (t:Value | t:Values)
t:Values = t:Value+
t:Sender = t:Mailbox
t:From = t:Mailbox
t:Organizer = t:Mailbox
t:ReceivedBy = t:Mailbox
t:ReceivedRepresenting = t:Mailbox
t:ToRecipients = t:Mailbox*
t:CcRecipients = t:Mailbox*
t:BccRecipients = t:Mailbox*
t:ReplyTo = t:Mailbox*
t:RequiredAttendees = t:Attendee+
t:OptionalAttendees = t:Attendee+
t:Resources = t:Attendee+
t:Attendee = t:Mailbox t:ResponseType? t:LastResponseTime?
t:Attachments = (t:FileAttachment | t:ItemAttachment)*
t:FileAttachment = t:AttachmentId? t:Name? t:ContentType? t:ContentId? t:ContentLocation? t:Size? \
 t:LastModifiedTime? t:IsInline? t:IsContactPhoto? t:Content?
t:AttachmentId = @Id @RootItemId? @RootItemChangeKey? empty
t:Content = base64
t:IsInline = bool
t:StartTimeZone = @Id @Name? (t:Periods t:TransitionsGroups? t:Transitions?)?
t:EndTimeZone = $t:StartTimeZone
"""

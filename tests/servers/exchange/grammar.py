"""The lines of ``schema``: requests of Exchange 2016 and what is in them, from Microsoft's public reference pages."""

from tests.servers.exchange.grammar_items import FIELD_URIS, ITEMS

_DISTINGUISHED = (
    "calendar,contacts,deleteditems,drafts,inbox,journal,notes,outbox,sentitems,tasks,msgfolderroot,publicfoldersroot,"
    "root,junkemail,searchfolders,voicemail,recoverableitemsroot,recoverableitemsdeletions,recoverableitemsversions,"
    "recoverableitemspurges,archiveroot,archivemsgfolderroot,archivedeleteditems,archiveinbox,syncissues,conflicts,"
    "localfailures,serverfailures,recipientcache,quickcontacts,conversationhistory,todosearch,favorites,imcontactlist,"
    "peopleconnect,mypeople,directory,archiverecoverableitemsroot,archiverecoverableitemsdeletions,"
    "archiverecoverableitemsversions,archiverecoverableitemspurges,adminauditlogs,allcontacts,allitems,"
    "fromfavoritesenders,allpersonmetadata,companycontacts,externalcontacts,internalsubmission,location,archive,"
    "mycontacts,relevantcontacts,allcategorizeditems,quarantinedemail,shortnotes,temporarysaves,usercuratedcontacts"
)

_REQUESTS = f"""
$folder = (t:FolderId | t:DistinguishedFolderId)
$item = (t:ItemId | t:OccurrenceItemId | t:RecurringMasterItemId)
$path = (t:FieldURI | t:IndexedFieldURI | t:ExtendedFieldURI)
$address = t:Name? t:EmailAddress? t:RoutingType? t:MailboxType? t:ItemId? t:OriginalDisplayName?
$view = (m:IndexedPageItemView | m:FractionalPageItemView | m:CalendarView | m:ContactsView)
$search = (t:Exists | t:Excludes | t:IsEqualTo | t:IsNotEqualTo | t:IsGreaterThan | t:IsGreaterThanOrEqualTo \
 | t:IsLessThan | t:IsLessThanOrEqualTo | t:Contains | t:Not | t:And | t:Or)
$two = $path t:FieldURIOrConstant
t:FolderId = @Id @ChangeKey? empty
t:DistinguishedFolderId = @Id:{_DISTINGUISHED} @ChangeKey? t:Mailbox?
t:ItemId = @Id @ChangeKey? empty
t:OccurrenceItemId = @RecurringMasterId @ChangeKey? @InstanceIndex empty
t:RecurringMasterItemId = @OccurrenceId @ChangeKey? empty
t:FieldURI = @FieldURI:{",".join(FIELD_URIS)} empty
t:IndexedFieldURI = @FieldURI @FieldIndex empty
t:ExtendedFieldURI = @DistinguishedPropertySetId? @PropertySetId? @PropertyTag? @PropertyName? @PropertyId? \
 @PropertyType empty
t:AdditionalProperties = $path+
t:BaseShape = IdOnly|Default|AllProperties|PcxPeopleSearch
t:BodyType = Best|HTML|Text
t:UniqueBodyType = Best|HTML|Text
t:NormalizedBodyType = Best|HTML|Text
t:IncludeMimeContent = bool
t:MaximumBodySize = int
m:FolderShape = t:BaseShape t:AdditionalProperties?
m:ItemShape = t:BaseShape t:IncludeMimeContent? t:BodyType? t:UniqueBodyType? t:NormalizedBodyType? \
 t:FilterHtmlContent? t:ConvertHtmlCodePageToUTF8? t:InlineImageUrlTemplate? t:BlockExternalImages? \
 t:AddBlankTargetToLinks? t:MaximumBodySize? t:AdditionalProperties?
m:FolderIds = $folder+
t:FolderIds = $folder+
m:ParentFolderIds = $folder+
m:ParentFolderId = $folder
m:ToFolderId = $folder
m:SavedItemFolderId = $folder
m:SyncFolderId = $folder
m:ItemIds = $item+
m:GetFolder = m:FolderShape m:FolderIds
m:FindFolder = @Traversal:Shallow,Deep,SoftDeleted m:FolderShape \
 (m:IndexedPageFolderView | m:FractionalPageFolderView)? m:Restriction? m:ParentFolderIds
m:CreateFolder = m:ParentFolderId m:Folders
m:Folders = (t:Folder | t:CalendarFolder | t:ContactsFolder | t:SearchFolder | t:TasksFolder)+
t:Folder = t:FolderId? t:ParentFolderId? t:FolderClass? t:DisplayName? t:TotalCount? t:ChildFolderCount? \
 t:ExtendedProperty* t:ManagedFolderInformation? t:EffectiveRights? t:PermissionSet? t:UnreadCount?
t:CalendarFolder = $t:Folder
t:ContactsFolder = $t:Folder
t:TasksFolder = $t:Folder
m:UpdateFolder = m:FolderChanges
m:FolderChanges = t:FolderChange+
t:FolderChange = $folder t:Updates~FolderUpdates
FolderUpdates = (t:SetFolderField | t:DeleteFolderField)+
t:SetFolderField = $path (t:Folder | t:CalendarFolder | t:ContactsFolder | t:TasksFolder)
t:DeleteFolderField = $path
m:DeleteFolder = @DeleteType:HardDelete,SoftDelete,MoveToDeletedItems m:FolderIds
m:EmptyFolder = @DeleteType:HardDelete,SoftDelete,MoveToDeletedItems @DeleteSubFolders:bool m:FolderIds
m:MoveFolder = m:ToFolderId m:FolderIds
m:FindItem = @Traversal:Shallow,SoftDeleted,Associated m:ItemShape $view? (m:GroupBy | m:DistinguishedGroupBy)? \
 m:Restriction? m:SortOrder? m:ParentFolderIds m:QueryString?
m:IndexedPageItemView = @MaxEntriesReturned? @Offset @BasePoint:Beginning,End empty
m:IndexedPageFolderView = $m:IndexedPageItemView
m:CalendarView = @MaxEntriesReturned? @StartDate @EndDate empty
m:Restriction = $search
t:Exists = $path
t:IsEqualTo = $two
t:IsNotEqualTo = $two
t:IsGreaterThan = $two
t:IsGreaterThanOrEqualTo = $two
t:IsLessThan = $two
t:IsLessThanOrEqualTo = $two
t:FieldURIOrConstant = ($path | t:Constant)
t:Constant = @Value empty
t:Contains = @ContainmentMode?:FullString,Prefixed,Substring,PrefixOnWords,ExactPhrase \
 @ContainmentComparison?:Exact,IgnoreCase,IgnoreNonSpacingCharacters,Loose,LooseAndIgnoreCase,\
LooseAndIgnoreNonSpace,LooseAndIgnoreCaseAndIgnoreNonSpace,IgnoreCaseAndNonSpacingCharacters $path t:Constant
t:Not = $search
t:And = $search $search+
t:Or = $search $search+
m:SortOrder = t:FieldOrder+
t:FieldOrder = @Order:Ascending,Descending $path
m:GetItem = m:ItemShape m:ItemIds
m:CreateItem = @MessageDisposition?:SaveOnly,SendOnly,SendAndSaveCopy \
 @SendMeetingInvitations?:SendToNone,SendOnlyToAll,SendToAllAndSaveCopy m:SavedItemFolderId? m:Items
m:UpdateItem = @ConflictResolution?:NeverOverwrite,AutoResolve,AlwaysOverwrite \
 @MessageDisposition?:SaveOnly,SendOnly,SendAndSaveCopy \
 @SendMeetingInvitationsOrCancellations?:SendToNone,SendOnlyToAll,SendOnlyToChanged,SendToAllAndSaveCopy,\
SendToChangedAndSaveCopy @SuppressReadReceipts?:bool m:SavedItemFolderId? m:ItemChanges
m:ItemChanges = t:ItemChange+
t:ItemChange = $item t:Updates~ItemUpdates
ItemUpdates = (t:AppendToItemField | t:SetItemField | t:DeleteItemField)+
t:SetItemField = $path $stored
t:AppendToItemField = $path $stored
t:DeleteItemField = $path
m:DeleteItem = @DeleteType:HardDelete,SoftDelete,MoveToDeletedItems \
 @SendMeetingCancellations?:SendToNone,SendOnlyToAll,SendToAllAndSaveCopy \
 @AffectedTaskOccurrences?:AllOccurrences,SpecifiedOccurrenceOnly @SuppressReadReceipts?:bool m:ItemIds
m:SendItem = @SaveItemToFolder:bool m:ItemIds m:SavedItemFolderId?
m:MoveItem = m:ToFolderId m:ItemIds m:ReturnNewItemIds?
m:CopyItem = $m:MoveItem
m:ReturnNewItemIds = bool
m:MarkAsJunk = @IsJunk:bool @MoveItem:bool m:ItemIds
m:MarkAllItemsAsRead = m:ReadFlag m:SuppressReadReceipts m:FolderIds
m:ReadFlag = bool
m:SuppressReadReceipts = bool
m:CreateAttachment = m:ParentItemId m:Attachments
m:ParentItemId = @Id @ChangeKey? empty
m:Attachments = (t:FileAttachment | t:ItemAttachment)+
m:GetAttachment = m:AttachmentShape? m:AttachmentIds
m:AttachmentShape = t:IncludeMimeContent? t:BodyType? t:FilterHtmlContent? t:AdditionalProperties?
m:DeleteAttachment = m:AttachmentIds
m:AttachmentIds = t:AttachmentId+
m:SyncFolderItems = m:ItemShape m:SyncFolderId m:SyncState? m:Ignore? m:MaxChangesReturned m:SyncScope?
m:Ignore = t:ItemId+
m:MaxChangesReturned = int
m:SyncScope = NormalItems|NormalAndAssociatedItems
m:SyncFolderHierarchy = m:FolderShape m:SyncFolderId? m:SyncState?
m:Subscribe = (m:StreamingSubscriptionRequest | m:PullSubscriptionRequest | m:PushSubscriptionRequest)
m:StreamingSubscriptionRequest = @SubscribeToAllFolders?:bool t:FolderIds? t:EventTypes
m:PullSubscriptionRequest = @SubscribeToAllFolders?:bool t:FolderIds? t:EventTypes t:Watermark? t:Timeout
m:PushSubscriptionRequest = @SubscribeToAllFolders?:bool t:FolderIds? t:EventTypes t:Watermark? t:StatusFrequency t:URL
t:EventTypes = t:EventType+
t:EventType = CopiedEvent|CreatedEvent|DeletedEvent|ModifiedEvent|MovedEvent|NewMailEvent|FreeBusyChangedEvent
m:Unsubscribe = m:SubscriptionId
m:GetStreamingEvents = m:SubscriptionIds m:ConnectionTimeout
m:SubscriptionIds = t:SubscriptionId+
m:ConnectionTimeout = int
m:GetMailTips = m:SendingAs m:Recipients m:MailTipsRequested
m:SendingAs = $address
m:Recipients = t:Mailbox*
t:Mailbox = $address
t:MailboxType = Unknown|OneOff|Mailbox|PublicDL|PrivateDL|Contact|PublicFolder|GroupMailbox
m:MailTipsRequested = list:All|OutOfOfficeMessage|MailboxFullStatus|CustomMailTip|ExternalMemberCount|TotalMemberCount\
|MaxMessageSize|DeliveryRestriction|ModerationStatus|InvalidRecipient|Scope
m:ExpandDL = m:Mailbox
m:Mailbox = $address
m:ResolveNames = @ReturnFullContactData:bool \
 @SearchScope?:ActiveDirectory,ActiveDirectoryContacts,Contacts,ContactsActiveDirectory \
 @ContactDataShape?:IdOnly,Default,AllProperties m:ParentFolderIds? m:UnresolvedEntry
m:GetServiceConfiguration = m:ActingAs? m:RequestedConfiguration m:ConfigurationRequestDetails?
m:ActingAs = $address
m:RequestedConfiguration = m:ConfigurationName+
m:ConfigurationName = MailTips|UnifiedMessagingConfiguration|ProtectionRules|PolicyNudges
m:ConvertId = @DestinationFormat:EwsLegacyId,EwsId,EntryId,HexEntryId,StoreId,OwaId m:SourceIds
m:SourceIds = (t:AlternateId | t:AlternatePublicFolderId | t:AlternatePublicFolderItemId)+
t:AlternateId = @Format:EwsLegacyId,EwsId,EntryId,HexEntryId,StoreId,OwaId @Id @Mailbox @IsArchive?:bool empty
t:RequestServerVersion = @Version empty
t:TimeZoneContext = t:TimeZoneDefinition
t:TimeZoneDefinition = @Id? @Name? (t:Periods t:TransitionsGroups? t:Transitions?)?
t:ExchangeImpersonation = t:ConnectingSID
t:ConnectingSID = (t:PrincipalName | t:SID | t:PrimarySmtpAddress | t:SmtpAddress)
"""


def _read(lines: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines.splitlines() if line.strip())
    return {name.strip().removeprefix("$"): content.strip() for name, _, content in pairs}


GRAMMAR = _read(_REQUESTS) | _read(ITEMS)

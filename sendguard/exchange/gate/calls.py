"""Which EWS calls send. What is not known here is not passed on."""

from collections.abc import Collection, Mapping
from enum import Enum

NEVER_SEND = frozenset(
    """
    AddDelegate AddDistributionGroupToImList AddImContactToGroup AddImGroup AddNewImContactToGroup
    AddNewTelUriContactToGroup ApplyConversationAction ArchiveItem ConvertId CopyFolder CopyItem CreateAttachment
    CreateFolder CreateFolderPath CreateManagedFolder CreateUserConfiguration DeleteAttachment DeleteFolder
    DeleteUserConfiguration DisableApp DisconnectPhoneCall EmptyFolder ExpandDL ExportItems FindAvailableMeetingTimes
    FindConversation FindFolder FindItem FindMailboxStatisticsByKeywords FindMessageTrackingReport FindPeople
    GetAppManifests GetAppMarketplaceUrl GetAttachment GetClientAccessToken GetClientExtension GetConversationItems
    GetDelegate GetDiscoverySearchConfiguration GetEncryptionConfiguration GetEvents GetFolder GetHoldOnMailboxes
    GetImItemList GetImItems GetInboxRules GetItem GetMailTips GetMessageTrackingReport GetNonIndexableItemDetails
    GetNonIndexableItemStatistics GetPasswordExpirationDate GetPersona GetPhoneCallInformation GetReminders
    GetRoomLists GetRooms GetSearchableMailboxes GetServerTimeZones GetServiceConfiguration GetSharingFolder
    GetSharingMetadata GetStreamingEvents GetUserAvailabilityRequest GetUserConfiguration GetUserOofSettingsRequest
    GetUserPhoto GetUserRetentionPolicyTags InstallApp MarkAllItemsAsRead MarkAsJunk MoveFolder MoveItem
    PerformReminderAction PlayOnPhone RefreshSharingFolder RemoveContactFromImList RemoveDelegate
    RemoveDistributionGroupFromImList RemoveImContactFromGroup RemoveImGroup ResolveNames SearchMailboxes
    SetClientExtension SetEncryptionConfiguration SetHoldOnMailboxes SetImGroup SetImListMigrationCompleted
    SetUserOofSettingsRequest Subscribe SyncFolderHierarchy SyncFolderItems UninstallApp UnpinTeamMailbox Unsubscribe
    UpdateDelegate UpdateFolder UpdateInboxRules UpdateItemInRecoverableItems UpdateUserConfiguration UploadItems
    """.split()  # noqa: SIM905
)
"""The public operations that send nothing (Microsoft, "EWS operations in Exchange"), by the element in soap:Body.

SetTeamMailbox is left out: its server may write to the members of a team.
"""
MAY_SEND = {"CreateItem": "Items", "DeleteItem": "ItemIds", "SendItem": "ItemIds", "UpdateItem": "ItemChanges"}
"""The operations that may send, and the element that holds what they do it with."""

SEND_NOTHING = frozenset(
    {
        "Contact",
        "DistributionList",
        "PostItem",
        "PostReplyItem",
        "RemoveItem",
        "SuppressReadReceipt",
        "Task",
    }
)
"""Items that go nowhere, whatever a CreateItem says it is for."""
_KEPT = "SaveOnly"
_NOBODY = (None, "SendToNone")

Attributes = Mapping[str, str]


class Fate(Enum):
    """What becomes of a call."""

    UNDECIDED = "undecided"
    """Not enough of it was read."""
    PASS = "pass"  # noqa: S105
    HOLD = "hold"
    REFUSE = "refuse"


def fate(operation: str, attributes: Attributes, items: Collection[str]) -> Fate:
    """What becomes of a call with these attributes; ``items`` are the kinds of item seen so far in a CreateItem."""
    if operation in NEVER_SEND:
        return Fate.PASS
    if operation not in MAY_SEND:
        return Fate.REFUSE
    if operation == "SendItem":
        return Fate.HOLD
    if operation == "CreateItem":
        if not items:
            return Fate.UNDECIDED
        return Fate.HOLD if any(creates_and_sends(kind, attributes) for kind in items) else Fate.PASS
    if operation == "UpdateItem":
        return Fate.HOLD if update_sends(attributes) or update_invites(attributes) else Fate.PASS
    return Fate.HOLD if attributes.get("SendMeetingCancellations") not in _NOBODY else Fate.PASS


def creates_and_sends(kind: str, attributes: Attributes) -> bool:
    """Whether a CreateItem with these attributes sends an item of this kind.

    MessageDisposition rules what is a message or an answer, SendMeetingInvitations what is a meeting. Without its
    attribute a message counts as sent: a server that takes it would decide for itself.
    """
    if kind in SEND_NOTHING:
        return False
    if kind == "CancelCalendarItem":
        return True
    if kind == "CalendarItem":
        return attributes.get("SendMeetingInvitations") not in _NOBODY
    return attributes.get("MessageDisposition") != _KEPT


def update_sends(attributes: Attributes) -> bool:
    """Whether an UpdateItem sends the messages it changes."""
    return attributes.get("MessageDisposition") not in (None, _KEPT)


def update_invites(attributes: Attributes) -> bool:
    """Whether an UpdateItem tells the attendees of the meetings it changes."""
    return attributes.get("SendMeetingInvitationsOrCancellations") not in _NOBODY

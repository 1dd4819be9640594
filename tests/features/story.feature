Feature: The morning of 14 November 2016
  One typed address stood for 850,112 people, and nobody who pressed Send could see it.
  Here a real mail client speaks to the real gate and the real guarded outbox of a practice mailbox.

  Background:
    Given a practice mailbox whose CroydonPractices had 14 people last week

  Scenario: The first mail is stopped
    When I mail "test" to CroydonPractices
    Then I am asked, and the question says 850112 people for 1 typed address
    And it says that the list had 14 people
    And it wants the number typed
    When I answer "don't send"
    Then my mail program was told 550
    And 0 messages were really sent

  Scenario: A wrong number sends nothing
    When I mail "test" to CroydonPractices
    Then I am asked, and the question says 850112 people for 1 typed address
    When I type 850113 to send
    Then the question is still there
    When I answer "don't send"
    Then 0 messages were really sent

  Scenario: Who means it can send it
    When I mail "test" to CroydonPractices
    Then I am asked, and the question says 850112 people for 1 typed address
    When I type 850112 to send
    Then my mail program was told 250
    And 1 messages were really sent

  Scenario: The reply that asks to be removed becomes a reply to one person
    When I answer "please remove me" to everybody from the guarded outbox
    Then I am asked, and the question says 850112 people for 1 typed address
    And it is called a reply_all
    When I answer "reply to the sender only"
    Then 1 messages were really sent
    And it went to Jo alone
    And the guarded outbox is empty

  Scenario: A reply that is not sent goes back to the drafts
    When I answer "please remove me" to everybody from the guarded outbox
    Then I am asked, and the question says 850112 people for 1 typed address
    When I answer "don't send"
    Then the guarded outbox is empty
    And the draft is in Drafts
    And 0 messages were really sent

  Scenario: A mail to a colleague is none of our business
    When I mail a colleague
    Then my mail program was told 250
    And I was not asked
    And 1 messages were really sent

  Scenario: A draft to everybody is warned of before it is sent
    When I save a draft to CroydonPractices
    Then I am warned of 850112 people
    And I was not asked

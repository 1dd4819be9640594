"""Exchange over EWS. exchangelib costs a second and 50 MB: nothing in here is imported before an account needs it."""

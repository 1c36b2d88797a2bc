"""Refusals of queries, in the words of Waldur."""


def dashed(digits: str) -> str:
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])


NOT_A_UUID = ["Enter a valid UUID."]


NOT_A_DATE = ["Enter a valid date."]


NOT_A_NUMBER = ["Enter a number."]


def not_available(choice: str) -> list[str]:
    return [f"Select a valid choice. {choice} is not one of the available choices."]

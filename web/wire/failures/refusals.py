"""The words of every refusal of a report, or of a limit."""

from ledger import errors

WORDS: dict[type[errors.Refusal], tuple[str, str]] = {
    errors.ResourceHasNoPlan: ("resource", "Resource must have a plan to report usage."),
    errors.ResourceNotInValidState: ("resource", "Resource is not in valid state."),
    errors.ComponentsNotReportable: ("non_field_errors", "These components are invalid: {component_types}."),
    errors.MeasuredInFuture: (
        "date",
        "Cannot submit usage for future dates. Date must be current date or earlier.",
    ),
    errors.MayNotBackfill: (
        "date",
        "Only staff users and service providers can specify date for backfilling.",
    ),
    errors.MonthIsClosed: (
        "date",
        "Service providers can only specify date for limit-based or prepaid billing components "
        "when backfilling past billing periods.",
    ),
    errors.OnlyCorrections: (  # agents know the end of it, and go on
        "date",
        "{month:%Y-%m} was closed for this offering. A closed month takes corrections only, also while it"
        " lasts: no backfilling past billing periods.",
    ),
    errors.LimitExists: (
        "non_field_errors",
        "The fields resource, component, user must make a unique set.",
    ),
    errors.NotInProject: ("user", "The specified user is not part of the resource's project."),
    errors.ComponentOfOtherOffering: ("component", "Component is wrong."),
    errors.FigureTooLarge: (
        "non_field_errors",
        "The figure of the month would have more than 18 digits before the decimal point.",
    ),
    errors.FigureChanged: ("expect", "The figure does not stand as it did at position {expected}."),
    errors.FigureMoved: (
        "expect",
        "The figure does not stand as it did at position {expected}: it was {then}, and is {now}.",
    ),
    errors.SameFigure: (
        "non_field_errors",
        "Is about the same figure as the item at place {place}, counted from 0.",
    ),
    errors.OfOtherProvider: (
        "resource",
        "A correction is of one provider's figures, and this resource is not of the first item's provider.",
    ),
    errors.AmountMissing: ("usage", "This field is required."),
    errors.UserLimitExceeded: (
        "non_field_errors",
        "Usage limit exceeded. Maximum allowed: {limit:.2f}, current usage: {current:.2f}, "
        "additional: {additional:.2f}.",
    ),
}
"""Field and message of every refusal; agents match some of the texts, so they are Waldur's."""

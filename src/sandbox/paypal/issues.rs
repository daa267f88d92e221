//! What PayPal means by an issue: one description each, as published (Orders 2.13, Payments 2.5), because clients
//! validate answers against those files. The few that are not published are marked.

/// The description of an issue; empty for one this far side does not know.
pub(super) fn describe(issue: &str) -> &'static str {
    find(issue).map_or("", |(_, description)| description)
}

/// The issue by name, if this far side knows it.
pub(super) fn find(issue: &str) -> Option<(&'static str, &'static str)> {
    ISSUES.iter().copied().find(|(name, _)| *name == issue)
}

#[rustfmt::skip]
const ISSUES: &[(&str, &str)] = &[
    ("ACTION_DOES_NOT_MATCH_INTENT",
     "Order was created with an intent to 'CAPTURE'. Please use \
      v2/checkout/orders/order_id/capture to complete the transaction or alternately Create \
      an order with an intent of 'AUTHORIZE'."),
    ("ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE",
     "The dispute is not in a state in which this can be done."), // not published
    ("AMOUNT_MISMATCH",
     "Should equal item_total + tax_total + shipping + handling + insurance - \
      shipping_discount - discount."),
    ("AUTHORIZATION_ALREADY_CAPTURED", "Authorization has previously been captured."),
    ("AUTHORIZATION_EXPIRED", "An expired authorization cannot be captured."),
    ("AUTHORIZATION_VOIDED", "A voided authorization cannot be captured or reauthorized. "),
    ("AUTH_CURRENCY_MISMATCH",
     "The currency specified during reauthorization should be the same as the currency \
      specified in the original authorization. Please check the currency of the \
      authorization for which you are trying to reauthorize and try again."),
    ("CANNOT_BE_ZERO_OR_NEGATIVE",
     "Must be greater than zero. If the currency supports decimals, only two decimal place \
      precision is supported."),
    ("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded"),
    ("COMPLIANCE_VIOLATION", "Transaction is declined due to compliance violation."),
    ("CURRENCY_MISMATCH", "The currencies within one request differ."), // not published
    ("DECIMALS_NOT_SUPPORTED",
     "Currency does not support decimals. Please refer to \
      https://developer.paypal.com/docs/api/reference/currency-codes/ for more information."),
    ("DECIMAL_PRECISION", "If the currency supports decimals, only two decimal place precision is supported."),
    ("DUPLICATE_INVOICE_ID",
     "Duplicate Invoice ID detected. To avoid a potential duplicate transaction your account\
      \u{20}setting requires that Invoice Id be unique for each transaction."),
    ("DUPLICATE_REFERENCE_ID", "`reference_id` must be unique if multiple `purchase_unit` are provided."),
    ("DUPLICATE_REQUEST_ID", "The PayPal-Request-Id was used for another request."), // not published
    ("FIELD_NOT_PATCHABLE", "Field cannot be patched."),
    ("INSTRUMENT_DECLINED",
     "The instrument presented  was either declined by the processor or bank, or it can't be\
      \u{20}used for this payment."),
    ("INVALID_ARRAY_MAX_ITEMS", "The number of items in an array parameter is too large."),
    ("INVALID_CURRENCY_CODE",
     "Currency code is invalid or is not currently supported. Please refer \
      https://developer.paypal.com/api/rest/reference/currency-codes/ for list of supported \
      currency codes."),
    ("INVALID_DATE_RANGE", "The date range ends before it starts, or is longer than 31 days."), // not published
    ("INVALID_PARAMETER_SYNTAX", "The value of a field does not conform to the expected format."),
    ("INVALID_PARAMETER_VALUE", "A parameter value is not valid."),
    ("INVALID_PATCH_OPERATION",
     "The operation cannot be honored. Cannot add a property that's already present, use \
      replace. Cannot remove a property thats not present, use add. Cannot replace a \
      property thats not present, use add."),
    ("INVALID_RESOURCE_ID", "Specified resource ID does not exist. Please check the resource ID and try again."),
    ("INVALID_STRING_LENGTH", "The value of a field is either too short or too long"),
    ("INVALID_WEBHOOK_ID", "The app has no such webhook."), // not published
    ("ITEM_TOTAL_MISMATCH",
     "Should equal sum of (unit_amount * quantity) across all items for a given \
      purchase_unit."),
    ("ITEM_TOTAL_REQUIRED",
     "If item details are specified (items.unit_amount and items.quantity) corresponding \
      amount.breakdown.item_total is required."),
    ("MALFORMED_REQUEST_JSON", "The request JSON is not well formed."),
    ("MAX_CAPTURE_AMOUNT_EXCEEDED",
     "Capture amount exceeds allowable limit. Please contact customer service or your \
      account manager to request the change to your overage limit. The default overage limit\
      \u{20}is 115%, which allows the sum of all captures to be up to 115% of the order amount. \
      The ability to over capture is subjected to regulatory approvals."),
    ("MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED", "You have exceeded the maximum number of payment attempts."),
    ("MAX_VALUE_EXCEEDED", "Should be less than or equal to 999999999999999.99."),
    ("MISSING_REQUIRED_PARAMETER", "A required parameter is missing."),
    ("MULTI_CURRENCY_ORDER",
     "Multiple differing values of currency_code are not supported. Entire Order request \
      must have the same currency_code."),
    ("ORDER_ALREADY_AUTHORIZED",
     "Order already authorized.If 'intent=AUTHORIZE' only one authorization per order is \
      allowed."),
    ("ORDER_ALREADY_CAPTURED",
     "Order already captured.If 'intent=CAPTURE' only one capture per order is allowed."),
    ("ORDER_ALREADY_COMPLETED", "The order cannot be patched after it is completed."),
    ("ORDER_NOT_APPROVED",
     "Payer has not yet approved the Order for payment. Please redirect the payer to the \
      'rel':'approve' url returned as part of the HATEOAS links within the Create Order call or \
      provide a valid `payment_source` in the request."),
    ("PATCH_PATH_REQUIRED", "Please specify a 'path' for the field for which the operation needs to be performed."),
    ("PATCH_VALUE_REQUIRED", "Please specify a 'value' to for the field that is being patched."),
    ("PAYEE_ACCOUNT_INVALID",
     "Payee account specified is invalid. Please check the `payee.email_address` or \
      `payee.merchant_id` specified and try again. Ensure that either  `payee.merchant_id` \
      or `payee.email_address` is specified."),
    ("PAYEE_BLOCKED_TRANSACTION", "The Fraud settings for this seller are such that this payment cannot be executed."),
    ("PAYER_ACCOUNT_LOCKED_OR_CLOSED", "The payer account cannot be used for this transaction."),
    ("PAYER_ACCOUNT_RESTRICTED", "PAYER_ACCOUNT_RESTRICTED"),
    ("PAYER_CANNOT_PAY",
     "Payer cannot pay for this transaction. Please contact the payer to find other ways to \
      pay for this transaction."),
    ("PAYPAL_REQUEST_ID_REQUIRED",
     "A PayPal-Request-Id is required if you are trying to process payment for an Order. \
      Please specify a PayPal-Request-Id or Create the Order without a 'payment_source' \
      specified."),
    ("PENDING_CAPTURE",
     "Cannot initiate a refund as the capture is pending. Capture is typically pending when \
      the payer has funded the transaction using e-check/bank funded."),
    ("PERMISSION_DENIED", "You do not have permission to access or perform operations on this resource."),
    ("PREVIOUSLY_CAPTURED", "Authorization has been previously captured and hence cannot be voided."),
    ("PREVIOUSLY_VOIDED", "Authorization has been previously voided and hence cannot be voided again."),
    ("REDIRECT_PAYER_FOR_ALTERNATE_FUNDING", "Transaction failed. Redirect the payer to select another funding source."),
    ("REFERENCE_ID_REQUIRED",
     "'reference_id' is required for each 'purchase_unit' if multiple 'purchase_unit' are \
      provided."),
    ("REFUND_AMOUNT_EXCEEDED",
     "The refund amount must be less than or equal to the capture amount that has not yet \
      been refunded."),
    ("REFUND_CAPTURE_CURRENCY_MISMATCH", "Refund must be in the same currency as the capture"),
    ("REFUND_FAILED_INSUFFICIENT_FUNDS",
     "Capture could not be refunded due to insufficient funds. Please check to see if you \
      have sufficient funds in your PayPal account or if the bank account linked to your \
      PayPal account is verified and has sufficient funds."),
    ("REFUND_NOT_ALLOWED", "Capture cannot be refunded."),
    ("REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK",
     "Refunds not allowed on this capture due to a chargeback on the card or bank. Please \
      contact the payee to resolve the chargeback."),
    ("REFUND_TIME_LIMIT_EXCEEDED", "You are over the time limit to perform a refund on this capture"),
    ("TAX_TOTAL_MISMATCH", "Should equal sum of (tax * quantity) across all items for a given purchase_unit."),
    ("TAX_TOTAL_REQUIRED",
     "If item details are specified (items.tax_total and items.quantity) corresponding \
      amount.breakdown.tax_total is required."),
    ("TRANSACTION_DISPUTED",
     "Partial refunds cannot be offered at this time because there is an open case on this \
      transaction. Visit the PayPal Resolution Center to review this case."),
    ("TRANSACTION_LIMIT_EXCEEDED", "Total payment amount exceeded transaction limit."),
    ("TRANSACTION_RECEIVING_LIMIT_EXCEEDED", "The transaction exceeds the receiver's receiving limit."),
    ("TRANSACTION_REFUSED", "The request was refused."),
    ("WEBHOOK_URL_ALREADY_EXISTS", "The app has a webhook with this URL."), // not published
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_issue_is_described_once() {
        assert!(ISSUES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(ISSUES.iter().all(|(_, description)| !description.trim().is_empty()));
    }
}

//! The hosted page: what the shopper sees at the gateway. Plain HTML with a form, no script, nothing from elsewhere.

use actix_web::HttpResponse;
use actix_web::http::header;

/// What the page shows.
pub(super) struct Page<'a> {
    /// Whose page: `PayPal`.
    pub gateway: &'a str,
    /// To whom the money goes.
    pub payee: &'a str,
    /// How much, as people read it.
    pub amount: &'a str,
    /// One line about the purchase.
    pub description: &'a str,
    /// Where the form goes.
    pub action: &'a str,
    /// Good for one decision.
    pub token: &'a str,
}

impl Page<'_> {
    /// The page with its three buttons.
    pub(super) fn show(&self) -> HttpResponse {
        let Page { gateway, payee, amount, description, action, token } = self;
        let body = format!(
            "<h1>{gateway} <small>sandbox</small></h1>\n<p>Pay <strong>{amount}</strong> to {payee}</p>\n\
             <p>{description}</p>\n<form method=\"post\" action=\"{action}\">\n\
             <input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
             <button name=\"decision\" value=\"approve\">Approve</button>\n\
             <button name=\"decision\" value=\"decline\">Decline</button>\n\
             <button name=\"decision\" value=\"leave\">Leave</button>\n</form>",
            gateway = escape(gateway),
            amount = escape(amount),
            payee = escape(payee),
            description = escape(description),
            action = escape(action),
            token = escape(token),
        );
        html(200, gateway, &body)
    }
}

/// A page without buttons.
pub(super) fn notice(status: u16, gateway: &str, words: &str) -> HttpResponse {
    html(status, gateway, &format!("<h1>{}</h1>\n<p>{}</p>", escape(gateway), escape(words)))
}

/// Sends the shopper on.
pub(super) fn send_on(location: &str, lost: bool) -> HttpResponse {
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((header::LOCATION, location));
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    if lost {
        answer.insert_header((super::shopper::LOST, "return"));
    }
    answer.finish()
}

fn html(status: u16, title: &str, body: &str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        ))
        .body(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n\
             <style>body{{font:16px/1.5 sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem}}\
             button{{font:inherit;padding:.5rem 1rem;margin-right:.5rem}}small{{color:#666}}</style>\n\
             </head>\n<body>\n{body}\n</body>\n</html>\n",
            escape(title)
        ))
}

/// Text inside HTML, also inside an attribute.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, letter| {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn markup_in_a_name_stays_text() {
        assert_eq!(super::escape("<b a=\"'&'\">"), "&lt;b a=&quot;&#39;&amp;&#39;&quot;&gt;");
    }
}

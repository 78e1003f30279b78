#include "providers/sandbox/payer.h"

static void put_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'') {
            buf_printf(out, "&#%d;", c);
        } else {
            buf_add_str(out, (struct str){&c, 1});
        }
    }
}

static void begin(struct call *call, int status, const char *title)
{
    call->status = status;
    call->content_type = STR("text/html; charset=utf-8");
    buf_clear(call->body);
    buf_printf(call->body,
               "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width\"><title>%s</title>"
               "<body style=\"font-family: sans-serif; margin: 4em auto; max-width: 24em\">"
               "<h1>%s</h1>",
               title, title);
}

static void put_button(struct buf *out, const struct payer_choice *choice)
{
    buf_add_str(out, STR("<button formaction=\""));
    put_text(out, choice->action);
    buf_printf(out, "\" style=\"font-size: 1.2em; margin-right: 1em\">%s</button>", choice->label);
}

void payer_ask(struct call *call, const struct payer_page *page)
{
    begin(call, 200, page->title);
    buf_add_str(call->body, STR("<p>To pay: <strong>"));
    put_text(call->body, page->amount);
    buf_add_str(call->body, STR(" "));
    put_text(call->body, page->currency);
    buf_add_str(call->body, STR("</strong></p><p>"));
    put_text(call->body, page->invoice);
    buf_add_str(call->body, STR("</p><form method=\"post\">"));
    put_button(call->body, &page->accept);
    put_button(call->body, &page->refuse);
    buf_add_str(call->body, STR("</form></body></html>\n"));
}

void payer_message(struct call *call, int status, const char *text)
{
    begin(call, status, "Sandbox");
    buf_printf(call->body, "<p>%s</p></body></html>\n", text);
}

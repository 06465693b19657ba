//! Chat templates, rendered as Hugging Face renders them.

use std::collections::BTreeMap;
use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, StringInput, Value};
use minijinja::{Environment, ErrorKind, State, context};
use serde::Serialize;

use crate::model::SpecialTokens;
use crate::{Error, ModelDir, Result};

/// One turn of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Who speaks: `system`, `user`, `assistant` or what else the template knows.
    pub role: String,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A turn.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }
}

/// A model's chat template, compiled.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    special_tokens: BTreeMap<&'static str, String>,
}

const NAME: &str = "chat";

/// Steps that a template may take: hundreds for each message in the templates in use, so this is
/// a conversation of some 10 000 messages. A file from the Hub must not keep its user waiting
/// forever.
const MAX_STEPS: u64 = 5_000_000;

impl ChatTemplate {
    /// Reads and compiles the model's template.
    ///
    /// # Errors
    /// [`Error::NoChatTemplate`]; [`Error::ChatTemplate`] when it does not compile.
    pub fn open(dir: &ModelDir, special_tokens: &SpecialTokens) -> Result<Self> {
        Self::new(&dir.chat_template()?, special_tokens)
    }

    /// Compiles a template.
    ///
    /// # Errors
    /// [`Error::ChatTemplate`].
    pub fn new(template: &str, special_tokens: &SpecialTokens) -> Result<Self> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(failed)?);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_fuel(Some(MAX_STEPS));
        environment.add_function("raise_exception", raise_exception);
        environment.add_filter("tojson", tojson);
        environment.add_filter("indent", indent);
        environment.add_filter("slice", |state: &State<'_, '_>, list: Value, count: u16, fill| {
            minijinja::filters::slice(state, list, count.into(), fill)
        });
        environment.add_filter("batch", |state: &State<'_, '_>, list: Value, count: u16, fill| {
            minijinja::filters::batch(state, list, count.into(), fill)
        });
        let template = without_generation_tags(template);
        environment.add_template_owned(NAME, template).map_err(failed)?;
        let special_tokens =
            special_tokens.named().map(|(name, text)| (name, text.to_owned())).collect();
        Ok(Self { environment, special_tokens })
    }

    /// The prompt of a chat; `add_generation_prompt` opens the assistant's next turn.
    ///
    /// # Errors
    /// [`Error::ChatTemplate`] when the template refuses the messages.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String> {
        self.render_as(messages, add_generation_prompt)
    }

    /// The prompt of a chat about images, whose places are written `image_token` in the messages.
    ///
    /// Templates of such models read a message as a list of its parts, in which an image is
    /// one; for a template that knows no parts the text stays as it is.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn render_with_images(
        &self,
        messages: &[Message],
        image_token: &str,
        add_generation_prompt: bool,
    ) -> Result<String> {
        let template = self.environment.get_template(NAME).map_err(failed)?;
        let reads_parts =
            ["'type'", "\"type\"", ".type"].iter().any(|it| template.source().contains(it));
        if !reads_parts {
            return self.render(messages, add_generation_prompt);
        }
        let messages: Vec<_> = messages
            .iter()
            .map(|it| MessageOfParts { role: &it.role, content: parts(&it.content, image_token) })
            .collect();
        self.render_as(&messages, add_generation_prompt)
    }

    fn render_as<M: Serialize>(
        &self,
        messages: &[M],
        add_generation_prompt: bool,
    ) -> Result<String> {
        if messages.is_empty() {
            return Err(Error::InvalidArgument {
                argument: "messages",
                given: "none".to_owned(),
                expected: "at least one message".to_owned(),
            });
        }
        let template = self.environment.get_template(NAME).map_err(failed)?;
        template
            .render(context! {
                messages => Serde(messages),
                add_generation_prompt => add_generation_prompt,
                tools => (),
                documents => (),
                ..Serde(&self.special_tokens)
            })
            .map_err(failed)
    }
}

/// A turn of a chat as templates of models with images read it.
#[derive(Serialize)]
struct MessageOfParts<'a> {
    role: &'a str,
    content: Vec<Part<'a>>,
}

/// A piece of a turn.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Part<'a> {
    Image,
    Text { text: &'a str },
}

/// A turn's text and images in their order, without the white space around an image: where an
/// image stands, and what goes around it, is the template's affair.
fn parts<'a>(content: &'a str, image_token: &str) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let mut pieces = content.split(image_token).peekable();
    while let Some(mut piece) = pieces.next() {
        let (after_image, before_image) = (!parts.is_empty(), pieces.peek().is_some());
        if after_image {
            piece = piece.trim_start();
        }
        if before_image {
            piece = piece.trim_end();
        }
        if !piece.is_empty() {
            parts.push(Part::Text { text: piece });
        }
        if before_image {
            parts.push(Part::Image);
        }
    }
    parts
}

/// The template with its `{% generation %}` tags as conditions that hold. They mark the
/// assistant's turns for training (an extension of transformers' own), which changes no text.
fn without_generation_tags(template: &str) -> String {
    let mut changed = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, tag)) = rest.split_once("{%") {
        let Some((tag, after)) = tag.split_once("%}") else { break };
        let name = tag.trim_matches(['-', '+']).trim();
        let known = match name {
            "generation" => Some("if true"),
            "endgeneration" => Some("endif"),
            _ => None,
        };
        changed.push_str(before);
        changed.push_str("{%");
        match known {
            // The signs at the tag's ends say what becomes of the white space around it.
            Some(known) => changed.push_str(&tag.replace(name, &format!(" {known} "))),
            None => changed.push_str(tag),
        }
        changed.push_str("%}");
        rest = after;
    }
    changed.push_str(rest);
    changed
}

/// What templates call to refuse messages.
fn raise_exception(message: String) -> Result<Value, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
}

/// Python's `json.dumps(value, ensure_ascii=False)`: minijinja's own filter escapes for HTML and
/// leaves out the spaces.
#[expect(clippy::needless_pass_by_value, reason = "the form that minijinja's filters have")]
fn tojson(value: &Value, options: Kwargs) -> Result<Value, minijinja::Error> {
    // A byte: what a template asks for must not fill the memory.
    let indent: Option<u8> = options.get("indent")?;
    options.assert_all_used()?;
    let mut text = Vec::new();
    let written = match indent {
        Some(indent) => {
            let indent = " ".repeat(indent.into());
            let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter))
        }
        None => value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Spaced)),
    };
    let bad = |reason: String| minijinja::Error::new(ErrorKind::BadSerialization, reason);
    written.map_err(|it| bad(it.to_string()))?;
    String::from_utf8(text).map(Value::from_safe_string).map_err(|it| bad(it.to_string()))
}

/// minijinja's own filter for widths that fit a byte: what a template asks for must not fill the
/// memory.
fn indent(
    text: StringInput<'_>,
    width: Option<u8>,
    first: Option<bool>,
    blank: Option<bool>,
    options: Kwargs,
) -> Result<Value, minijinja::Error> {
    options.get::<Option<u8>>("width")?;
    minijinja::filters::indent(text, width.map(usize::from), first, blank, options)
}

/// JSON on one line with Python's spaces: `{"a": 1, "b": [2, 3]}`.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn failed(error: minijinja::Error) -> Error {
    // The alternate form tells the line of the template.
    Error::ChatTemplate { reason: format!("{error:#}") }
}

#[cfg(test)]
mod tests {
    use super::{ChatTemplate, Message, Part, parts};
    use crate::model::{SpecialTokens, Token};
    use crate::{Error, Result};

    fn render(template: &str) -> Result<String> {
        let special = SpecialTokens {
            bos_token: Some(Token::Text("<s>".into())),
            ..SpecialTokens::default()
        };
        let messages = [Message::new("user", " a <b> \"c\" é "), Message::new("assistant", "x")];
        ChatTemplate::new(template, &special)?.render(&messages, true)
    }

    /// Expectations are what transformers' own environment renders.
    #[test]
    fn templates_render_as_in_transformers() {
        for (template, expected) in [
            // Blocks leave neither their line's indentation nor its end.
            ("{{ bos_token }}\n  {% if true %}\nyes\n  {% endif %}\nend\n", "<s>\nyes\nend"),
            ("{{ messages[0].content.strip() | upper }}", "A <B> \"C\" É"),
            ("{{ messages[0] | tojson }}", r#"{"role": "user", "content": " a <b> \"c\" é "}"#),
            ("{{ messages[::-1][0]['role'] }}", "assistant"),
            (
                "{% for m in messages %}{% if loop.last %}{% break %}{% endif %}{{ m.role }}{% endfor %}",
                "user",
            ),
            ("{{ 'a</t>b'.split('</t>')[-1] }}{{ eos_token is defined }}", "bFalse"),
            ("{{ tools is none }} {{ add_generation_prompt }}", "True True"),
            ("{{ {'a': [1]} | tojson(indent=2) }}", "{\n  \"a\": [\n    1\n  ]\n}"),
            ("{{ 'a\nb' | indent }}|{{ 'a\nb' | indent(1, first=true) }}", "a\n    b| a\n b"),
            ("{{ nothing }}|{{ messages[0].nothing }}|{{ messages[5] is defined }}", "||False"),
            ("{% set ns = namespace(a=1) %}{% set ns.a = ns.a + 1 %}{{ ns.a }}", "2"),
            (
                "{{ 3 / 2 }} {{ [1, 'a'] }} {{ 1.0 }} {{ 'A' ~ 1 ~ none }}",
                "1.5 [1, 'a'] 1.0 A1None",
            ),
            ("{%- macro f(x) %}<{{ x }}>{% endmacro %}{{ f(1) }}{{ 'x' if false }}", "<1>"),
            ("{{ messages | map(attribute='role') | join(',') }}", "user,assistant"),
        ] {
            assert_eq!(render(template).unwrap(), expected, "{template}");
        }
    }

    /// The second template is that of the published LLaVA models; the texts are transformers'.
    #[test]
    fn images_are_parts_of_a_turn() {
        let plain = "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}";
        let parted = "{% for message in messages %}{% if message['role'] != 'system' %}\
            {{ message['role'].upper() + ': ' }}{% endif %}\
            {% for content in message['content'] | selectattr('type', 'equalto', 'image') %}\
            {{ '<image>\n' }}{% endfor %}\
            {% for content in message['content'] | selectattr('type', 'equalto', 'text') %}\
            {% generation %}{{ content['text'] + ' ' }}{%- endgeneration -%}\n {% endfor %}\
            {% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}";
        let messages = [Message::new("user", "<image>\nWhat is it?")];
        for (template, expected) in [
            (plain, "user: <image>\nWhat is it?"),
            (parted, "USER: <image>\nWhat is it? ASSISTANT:"),
        ] {
            let template = ChatTemplate::new(template, &SpecialTokens::default()).unwrap();
            let text = template.render_with_images(&messages, "<image>", true).unwrap();
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn text_keeps_its_white_space_away_from_images() {
        let text = |text| Part::Text { text };
        assert_eq!(parts(" a ", "<i>"), [text(" a ")]);
        assert_eq!(parts(" a \n<i> b ", "<i>"), [text(" a"), Part::Image, text("b ")]);
        assert_eq!(parts("<i> \n<i>", "<i>"), [Part::Image, Part::Image]);
        assert!(parts("", "<i>").is_empty());
    }

    #[test]
    fn what_cannot_be_rendered_tells_why() {
        for (template, reason) in [
            ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
            ("{% frobnicate %}", "frobnicate"),
            ("{{ messages | tojson(indent=99999999999) }}", "u8"),
            ("{{ 'x' | indent(99999999999) }}", "u8"),
            ("{{ [1] | slice(99999999999) }}", "u16"),
            ("{{ [1] | batch(99999999999, 0) }}", "u16"),
            ("{{ 'x' | indent(width=99999999999) }}", "u8"),
            (
                "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                "fuel",
            ),
        ] {
            let error = render(template).unwrap_err();
            assert!(matches!(error, Error::ChatTemplate { .. }), "{error}");
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}

//! Plan → text, through Tera. Templates lay out; they decide nothing.

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera};

use crate::error::Error;
use crate::plan::{Page, PlannedFile, SkillPage};
use crate::templates::Templates;

/// The template engine with a request's templates and our three filters.
pub(crate) struct Renderer {
    tera: Tera,
}

impl Renderer {
    /// Parses every template.
    pub(crate) fn new(templates: &Templates) -> Result<Self, Error> {
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&str>::new());
        tera.register_filter("str_lit", |text: &str, _: Kwargs, _: &State| str_lit(text));
        tera.register_filter("doc", |text: &str, _: Kwargs, _: &State| doc(text));
        tera.add_raw_templates(templates.iter()).map_err(|it| Error::Template {
            template: failing_template(&it),
            path: None,
            message: it.to_string(),
        })?;
        Ok(Self { tera })
    }

    /// The unformatted text of one file.
    pub(crate) fn render(&self, file: &PlannedFile) -> Result<String, Error> {
        let template = &file.origin.template;
        match &file.page {
            Page::Skill(page) => self.render_skill(file, page),
            Page::Test(page) => self.render_page(file, template, page.as_ref()),
            Page::ModelSkills(page) => self.render_page(file, template, page),
            Page::Modules(page) => self.render_page(file, template, page),
            Page::Tests(page) => self.render_page(file, template, page),
        }
    }

    /// A skill is composed: its example, its platform's part and its variant's part are rendered
    /// first and laid into the family's page.
    fn render_skill(&self, file: &PlannedFile, page: &SkillPage) -> Result<String, Error> {
        let mut context = self.context(file, page)?;
        for (section, template) in [
            ("example", page.example_template),
            ("options", page.platform_template.as_str()),
            ("load", page.variant_template.as_str()),
        ] {
            let text = self.render_context(file, template, &context)?;
            context.insert(section, &text);
        }
        self.render_context(file, &file.origin.template, &context)
    }

    fn render_page<T: Serialize>(
        &self,
        file: &PlannedFile,
        template: &str,
        page: &T,
    ) -> Result<String, Error> {
        let context = self.context(file, page)?;
        self.render_context(file, template, &context)
    }

    fn context<T: Serialize>(&self, file: &PlannedFile, page: &T) -> Result<Context, Error> {
        Context::from_serialize(page).map_err(|it| self.error(file, &file.origin.template, &it))
    }

    fn render_context(
        &self,
        file: &PlannedFile,
        template: &str,
        context: &Context,
    ) -> Result<String, Error> {
        self.tera.render(template, context).map_err(|it| self.error(file, template, &it))
    }

    #[expect(clippy::unused_self, reason = "reads as one family with the methods above")]
    fn error(&self, file: &PlannedFile, template: &str, error: &tera::Error) -> Error {
        Error::Template {
            template: template.to_owned(),
            path: Some(file.path.clone()),
            message: error.to_string(),
        }
    }
}

fn failing_template(error: &tera::Error) -> String {
    match error.kind() {
        tera::ErrorKind::SyntaxError(report) | tera::ErrorKind::RenderingError(report) => {
            report.filename().to_owned()
        }
        tera::ErrorKind::MissingParent { current, .. } => current.clone(),
        tera::ErrorKind::TemplateNotFound(name) => name.clone(),
        _ => "(set of templates)".to_owned(),
    }
}

/// A Rust string literal, quotes included, whatever the text holds.
fn str_lit(text: &str) -> String {
    format!("{text:?}")
}

/// Text for a doc comment: one line, and nothing that rustdoc would take for a link, a tag, code
/// or the end of a table's cell.
fn doc(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '[' | ']' | '<' | '>' | '`' | '|' | '\\' => line.extend(['\\', character]),
            it if it.is_control() => line.push(' '),
            it => line.push(it),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{doc, str_lit};

    #[test]
    fn a_literal_cannot_be_closed_from_inside() {
        let hostile = "\"]; std::process::abort(); // \\ \n \0 */ \u{202e}";
        let parsed: syn::LitStr = syn::parse_str(&str_lit(hostile)).unwrap();
        assert_eq!(parsed.value(), hostile);
    }

    #[test]
    fn a_doc_comment_stays_one_line() {
        let line = doc("a\nb\r\nc */ [`d`] <e> | \\");
        assert!(!line.contains('\n') && !line.contains('\r'), "{line}");
        assert_eq!(line, "a b  c */ \\[\\`d\\`\\] \\<e\\> \\| \\\\");
    }
}

//! The processor's name.

use std::sync::OnceLock;

/// `CPU (model)` where the system tells the model, else `CPU`.
pub(super) fn device_name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        model_name(&info).map_or_else(|| "CPU".to_owned(), |it| format!("CPU ({it})"))
    })
}

/// The model in the text of Linux's `/proc/cpuinfo`.
fn model_name(cpuinfo: &str) -> Option<&str> {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == "model name")
        .map(|(_, value)| value.trim())
        .filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::model_name;

    #[test]
    fn the_first_processor_names_the_model() {
        let info = "processor\t: 0\nmodel name\t: Some CPU @ 2.0 GHz\n\nprocessor\t: 1\n";
        assert_eq!(model_name(info), Some("Some CPU @ 2.0 GHz"));
        assert_eq!(model_name("processor\t: 0\nBogoMIPS\t: 100.00\n"), None);
    }
}

//! Any text as a service file: a profile, or one line that says what is wrong.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(error) = catalog::Profile::parse(text, Some("contoso")) {
        assert!(!error.to_string().contains('\n'));
    }
});

//! Pictures: what is shown, and the rule by which something is not.

use lanyard_core::{
    picture::{MOST_BYTES, Picture, PictureRefused, PictureType},
    sd_jwt_vc::type_metadata::SvgError,
};

fn png(width: u32, height: u32) -> Vec<u8> {
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &sides[..], &[8, 6, 0, 0, 0]].concat()
}

#[test]
fn refuses_a_picture_by_the_rule_it_breaks() {
    let refused = |bytes: &[u8]| Picture::read(bytes).unwrap_err();
    assert_eq!(refused(&vec![0; MOST_BYTES + 1]), PictureRefused::TooLong);
    assert_eq!(refused(&png(4097, 7)), PictureRefused::TooLarge(4097, 7));
    assert_eq!(refused(b"GIF"), PictureRefused::Unknown);
    let page = PictureRefused::Svg(SvgError::NotSvg);
    assert_eq!(refused(b"<html><body>logo</body></html>"), page);
    assert!(Picture::read(&png(4096, 4096)).is_ok());
}

#[test]
fn a_head_that_is_cut_off_anywhere_is_no_picture() {
    let jpeg = [0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 9, 0, 9];
    let webp = [&b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0"[..], &[0, 0, 0, 0, 8, 0, 0, 8, 0, 0]].concat();
    let gif = b"GIF89a\x09\0\x09\0";
    for whole in [&png(9, 9)[..24], &jpeg, &webp, gif] {
        assert!(Picture::read(whole).is_ok(), "{whole:?}");
        for length in 0..whole.len() {
            assert_eq!(Picture::read(&whole[..length]), Err(PictureRefused::Unknown), "{length}");
        }
    }
}

#[test]
fn a_data_url_counts_by_what_is_in_it() {
    let shown = Picture::in_url("data:image/png,%3Csvg%20xmlns='http://www.w3.org/2000/svg'/%3E");
    let shown = shown.expect("a picture");
    assert_eq!((shown.kind(), shown.kind().media_type()), (PictureType::Svg, "image/svg+xml"));
    assert_eq!(Picture::in_url("data:image/png;base64,!"), Err(PictureRefused::DataUrl));
    assert_eq!(Picture::in_url("data:image/png"), Err(PictureRefused::DataUrl));
    assert_eq!(Picture::in_url("https://issuer.example/logo"), Err(PictureRefused::DataUrl));
    let long = format!("data:,{}", "a".repeat(4 * MOST_BYTES));
    assert_eq!(Picture::in_url(&long), Err(PictureRefused::TooLong));
}

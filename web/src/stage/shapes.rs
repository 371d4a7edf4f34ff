//! The shapes of the Service types: the same in the scene, the legend and both skins.

use lobby_engine::lab::DeskType;
use yew::prelude::*;

/// The shape of a Service's type, in a box of 16 by 16 units at a point.
pub(super) fn shape(type_: DeskType, x: i32, y: i32, size: i32) -> Html {
    let inside = match type_ {
        DeskType::ClusterIP => html! {
            <><circle cx="8" cy="8" r="5.8" /><circle cx="8" cy="8" r="2" /></>
        },
        DeskType::NodePort => html! { <path d="M4 14V7a4 4 0 0 1 8 0v7zM10 10.500v.1" /> },
        DeskType::LoadBalancer => html! {
            <path d="M1.500 6.500L4 3h8l2.500 3.500zM3.500 6.500V13.500M12.500 6.500V13.500M8 6.500v7" />
        },
        DeskType::ExternalName => html! { <path d="M2 4h9l3 4-3 4H2z" /> },
        DeskType::Headless => html! {
            <>
                <rect x="2.500" y="2.500" width="11" height="11" stroke-dasharray="2.200 2" />
                <path d="M5.500 6h5M5.500 8h5M5.500 10h5" />
            </>
        },
    };
    html! {
        <svg class="shape" x={x.to_string()} y={y.to_string()} width={size.to_string()}
            height={size.to_string()} viewBox="0 0 16 16" aria-hidden="true">{ inside }</svg>
    }
}

/// The hotel's word for a Service's type.
pub(super) fn hotel_word(type_: DeskType) -> &'static str {
    match type_ {
        DeskType::ClusterIP => "Phone",
        DeskType::NodePort => "Side door",
        DeskType::LoadBalancer => "Main entrance",
        DeskType::ExternalName => "Forwarding card",
        DeskType::Headless => "Room list",
    }
}

/// All types, in the legend's order.
pub(super) const TYPES: [DeskType; 5] = [
    DeskType::ClusterIP,
    DeskType::NodePort,
    DeskType::LoadBalancer,
    DeskType::ExternalName,
    DeskType::Headless,
];

/// A sign on a button.
pub(super) fn sign(d: &'static str) -> Html {
    html! { <svg class="shape" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><path {d} /></svg> }
}

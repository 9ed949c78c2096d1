//! Planned and actual journeys as CJML 2.0, the Customer Journey Modelling Language. In: a map, or journeys one after the
//! other. Out: XML. A stage is a phase, a touchpoint a communication point between the customer and the company. CJML has
//! no model beyond that order: what else a map says is not written.

use super::xml::Xml;
use crate::aggregate::exported::ExportedJourney;
use crate::map::{DesignedMap, Text};

const CUSTOMER: &str = "customer";
const COMPANY: &str = "company";

/// The designed map as a planned journey.
pub fn planned(map: &DesignedMap, language: &str) -> String {
    let of = |text: &Text, id: &str| text.get(language).unwrap_or(id).to_owned();
    let mut xml = Xml::document();
    xml.open("CJML", &[("version", "2.0")]);
    xml.open("plannedJourney", &[]);
    xml.text("journeyID", &[], &map.id);
    xml.text("journeyTitle", &[], &of(&map.title, &map.id));
    actors(&mut xml, CUSTOMER, map.owner.as_deref().unwrap_or(COMPANY));
    xml.open("phases", &[]);
    for stage in &map.stages {
        xml.text("phase", &[("phaseID", &stage.id)], &of(&stage.title, &stage.id));
    }
    xml.close("phases");
    xml.open("touchpoints", &[]);
    let mut order: Vec<_> = map.touchpoints.iter().collect();
    order.sort_by_key(|t| t.rank);
    for t in order {
        let channels: Vec<&str> = t.channels.iter().map(|c| &**c).collect();
        let stage = &map.stages[usize::from(t.stage)];
        point(&mut xml, "plannedCommunicationPoint", (&t.id, &stage.id, &of(&t.title, &t.id)), &channels, None);
    }
    xml.close("touchpoints");
    xml.close("plannedJourney");
    xml.close("CJML");
    xml.done()
}

pub fn head() -> String {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CJML version=\"2.0\">\n".to_owned()
}

pub const TAIL: &str = "</CJML>\n";

/// One journey that was walked; titles are of the version that judges it.
pub fn actual(journey: &ExportedJourney, map: &DesignedMap, language: &str) -> String {
    let mut xml = Xml::piece();
    xml.open("actualJourney", &[]);
    xml.text("journeyID", &[], &journey.id);
    actors(&mut xml, &journey.customer, map.owner.as_deref().unwrap_or(COMPANY));
    xml.open("phases", &[]);
    for stage in &map.stages {
        xml.text("phase", &[("phaseID", &stage.id)], stage.title.get(language).unwrap_or(&stage.id));
    }
    xml.close("phases");
    xml.open("touchpoints", &[]);
    for step in &journey.steps {
        let title = map.touchpoint_ix(&step.touchpoint).map(|t| &map.touchpoints[usize::from(t)].title);
        let title = title.and_then(|t| t.get(language)).unwrap_or(&step.touchpoint);
        let channel: Vec<&str> = Some(step.channel.as_str()).filter(|c| !c.is_empty()).into_iter().collect();
        let at = step.at.to_string();
        point(&mut xml, "actualCommunicationPoint", (&step.touchpoint, &step.stage, title), &channel, Some(&at));
    }
    xml.close("touchpoints");
    xml.close("actualJourney");
    xml.done()
}

fn actors(xml: &mut Xml, customer: &str, company: &str) {
    xml.open("actors", &[]);
    xml.open("endUser", &[("actorID", CUSTOMER)]);
    xml.text("actorName", &[], customer);
    xml.close("endUser");
    xml.open("serviceProvider", &[("actorID", COMPANY)]);
    xml.text("companyName", &[], company);
    xml.close("serviceProvider");
    xml.close("actors");
}

fn point(xml: &mut Xml, name: &str, (id, stage, title): (&str, &str, &str), channels: &[&str], at: Option<&str>) {
    xml.open(name, &[]);
    xml.text("touchpointID", &[], id);
    xml.empty("belongsTo", &[("phaseIDref", stage)]);
    xml.open("initiator", &[]);
    xml.empty("refersTo", &[("actorIDref", CUSTOMER)]);
    xml.text("initiatorLabel", &[], title);
    xml.close("initiator");
    xml.open("receiver", &[]);
    xml.empty("refersTo", &[("actorIDref", COMPANY)]);
    xml.text("receiverLabel", &[], title);
    xml.close("receiver");
    for channel in channels {
        xml.open("channel", &[]);
        xml.text("channelName", &[], channel);
        xml.close("channel");
    }
    if let Some(at) = at {
        xml.open("timestamps", &[]);
        xml.text("timeStarted", &[], at);
        xml.close("timestamps");
    }
    xml.close(name);
}

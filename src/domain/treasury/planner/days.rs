//! On which day each route takes what is handed over at a moment, and whether its text is in force on that day: behind the
//! last cut-off of a price it is no price any more.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::super::calendar::ValueDate;
use super::super::request::PlanRequest;

/// Of every route of a request, in their order.
#[derive(Debug, Clone)]
pub struct Days(Vec<Result<ValueDate, (&'static str, Option<ValueDate>)>>);

impl Days {
    /// For what is handed over at a moment.
    pub fn at(request: &PlanRequest, now: DateTime<Utc>) -> Days {
        let routes = &request.routes.routes;
        let dates: Vec<Option<ValueDate>> =
            routes.iter().map(|route| request.calendars.value_date(route, now)).collect();
        // Two texts of one route follow one another; the one that takes it first does.
        let mut first = BTreeMap::new();
        for (route, dates) in routes.iter().zip(&dates) {
            if let Some(dates) = dates.filter(|dates| route.in_force(dates.instructed)) {
                let earliest = first.entry(route.name.as_str()).or_insert(dates.instructed);
                *earliest = dates.instructed.min(*earliest);
            }
        }
        let each = routes.iter().zip(dates).map(|(route, dates)| match dates {
            None => Err(("no_business_day", None)),
            Some(own) if !route.in_force(own.instructed) => Err(("not_in_force", dates)),
            Some(own) if first.get(route.name.as_str()).is_some_and(|first| *first < own.instructed) => {
                Err(("earlier_text", dates))
            }
            Some(own) => Ok(own),
        });
        Days(each.collect())
    }

    /// When a route takes it and when it is there.
    ///
    /// # Errors
    /// Why the route does not take it.
    pub fn of(&self, route: usize) -> Result<ValueDate, &'static str> {
        self.0.get(route).map_or(Err("no_business_day"), |own| own.map_err(|(reason, _)| reason))
    }

    /// The same whatever is in force, for the reader.
    pub fn shown(&self, route: usize) -> Option<ValueDate> {
        match self.0.get(route)? {
            Ok(dates) => Some(*dates),
            Err((_, dates)) => *dates,
        }
    }
}

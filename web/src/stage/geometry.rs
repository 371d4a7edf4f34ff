//! Points, boxes and rounded lines, in whole scene units.
//!
//! Whole numbers on purpose: the same scene gives the same text on every machine, and nothing has
//! to print a float.

/// A point. `x` grows to the right, `y` downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Downwards.
    pub y: i32,
}

impl Point {
    /// A point.
    #[must_use]
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }

    /// This point, moved.
    #[must_use]
    pub const fn by(self, dx: i32, dy: i32) -> Self {
        Self::new(self.x + dx, self.y + dy)
    }

    /// How far another point is, rounded down.
    #[must_use]
    pub fn distance(self, other: Self) -> i32 {
        let (dx, dy) = (self.x - other.x, self.y - other.y);
        (dx * dx + dy * dy).isqrt()
    }
}

/// A box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
}

impl Rect {
    /// A box by its upper left corner and its size.
    #[must_use]
    pub const fn new(x: i32, y: i32, w: i32, h: i32) -> Self {
        Self { x, y, w, h }
    }

    /// Its right edge.
    #[must_use]
    pub const fn right(self) -> i32 {
        self.x + self.w
    }

    /// Its lower edge.
    #[must_use]
    pub const fn bottom(self) -> i32 {
        self.y + self.h
    }

    /// The middle of its width.
    #[must_use]
    pub const fn middle(self) -> i32 {
        self.x + self.w / 2
    }

    /// Grown on all four sides; a negative number shrinks it.
    #[must_use]
    pub const fn grown(self, by: i32) -> Self {
        Self::new(self.x - by, self.y - by, self.w + 2 * by, self.h + 2 * by)
    }

    /// How much of another box lies over this one.
    #[must_use]
    pub fn overlap(self, other: Self) -> i32 {
        let w = self.right().min(other.right()) - self.x.max(other.x);
        let h = self.bottom().min(other.bottom()) - self.y.max(other.y);
        w.max(0) * h.max(0)
    }

    /// Whether another box lies wholly inside this one.
    #[must_use]
    pub fn holds(self, other: Self) -> bool {
        other.x >= self.x
            && other.y >= self.y
            && other.right() <= self.right()
            && other.bottom() <= self.bottom()
    }

    /// Moved as little as it takes to lie inside `outer`. What is larger than `outer` keeps to its
    /// upper left corner.
    #[must_use]
    pub fn moved_into(self, outer: Self) -> Self {
        let x = self.x.min(outer.right() - self.w).max(outer.x);
        let y = self.y.min(outer.bottom() - self.h).max(outer.y);
        Self::new(x, y, self.w, self.h)
    }
}

/// A line through points, with rounded corners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    points: Vec<Point>,
    radius: i32,
}

impl Line {
    /// A line. Points that add nothing (twice the same, or in the middle of a straight piece) go.
    #[must_use]
    pub fn new(points: impl IntoIterator<Item = Point>, radius: i32) -> Self {
        let mut kept: Vec<Point> = Vec::new();
        for point in points {
            if kept.last() == Some(&point) {
                continue;
            }
            if let [.., a, b] = kept[..]
                && straight_on(a, b, point)
            {
                kept.pop();
            }
            kept.push(point);
        }
        Self {
            points: kept,
            radius,
        }
    }

    /// Its points, corners unrounded.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.len() < 2
    }

    /// The same line, moved.
    #[must_use]
    pub fn by(&self, dx: i32, dy: i32) -> Self {
        Self {
            points: self.points.iter().map(|p| p.by(dx, dy)).collect(),
            radius: self.radius,
        }
    }

    /// The `d` of an SVG path.
    #[must_use]
    pub fn d(&self) -> String {
        let Some((first, rest)) = self.points.split_first() else {
            return String::new();
        };
        let mut d = format!("M{} {}", first.x, first.y);
        for (i, corner) in rest.iter().enumerate() {
            match self.round(i + 1) {
                Some((enter, leave)) => {
                    d += &format!(
                        "L{} {}Q{} {} {} {}",
                        enter.x, enter.y, corner.x, corner.y, leave.x, leave.y
                    );
                }
                None => d += &format!("L{} {}", corner.x, corner.y),
            }
        }
        d
    }

    /// Points along the line with how far they are from its start, in thousandths of its length;
    /// the corners are rounded. What the browser needs to move something along it.
    #[must_use]
    pub fn stations(&self) -> Vec<(Point, i32)> {
        let mut walked = Vec::new();
        for (i, corner) in self.points.iter().enumerate() {
            match self.round(i) {
                Some((enter, leave)) => {
                    let bend = Point::new(
                        (enter.x + 2 * corner.x + leave.x) / 4,
                        (enter.y + 2 * corner.y + leave.y) / 4,
                    );
                    walked.extend([enter, bend, leave]);
                }
                None => walked.push(*corner),
            }
        }
        let mut far = 0;
        let mut stations: Vec<(Point, i32)> = Vec::with_capacity(walked.len());
        for point in walked {
            if let Some((last, _)) = stations.last() {
                far += last.distance(point);
            }
            stations.push((point, far));
        }
        for station in &mut stations {
            station.1 = station.1 * 1000 / far.max(1);
        }
        if let Some(last) = stations.last_mut() {
            last.1 = 1000;
        }
        stations
    }

    /// Where the rounding of corner `i` begins and ends; `None` for the ends of the line.
    fn round(&self, i: usize) -> Option<(Point, Point)> {
        let before = *self.points.get(i.checked_sub(1)?)?;
        let corner = *self.points.get(i)?;
        let after = *self.points.get(i + 1)?;
        let r = self
            .radius
            .min(before.distance(corner) / 2)
            .min(corner.distance(after) / 2);
        (r > 0).then(|| (toward(corner, before, r), toward(corner, after, r)))
    }
}

/// The point `far` away from `from`, towards `to`.
fn toward(from: Point, to: Point, far: i32) -> Point {
    let all = from.distance(to).max(1);
    from.by((to.x - from.x) * far / all, (to.y - from.y) * far / all)
}

fn straight_on(a: Point, b: Point, c: Point) -> bool {
    let (ux, uy, vx, vy) = (b.x - a.x, b.y - a.y, c.x - b.x, c.y - b.y);
    ux * vy == uy * vx && ux * vx + uy * vy > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corner_is_rounded_and_a_straight_piece_is_one() {
        let line = Line::new(
            [
                Point::new(0, 0),
                Point::new(0, 0),
                Point::new(50, 0),
                Point::new(100, 0),
                Point::new(100, 60),
            ],
            10,
        );
        assert_eq!(line.points().len(), 3);
        assert_eq!(line.d(), "M0 0L90 0Q100 0 100 10L100 60");
    }

    #[test]
    fn a_turn_back_keeps_its_corner() {
        let line = Line::new([Point::new(0, 0), Point::new(9, 0), Point::new(4, 0)], 4);
        assert_eq!(line.points().len(), 3);
    }

    #[test]
    fn stations_run_from_nothing_to_all_and_never_back() {
        let line = Line::new(
            [Point::new(0, 0), Point::new(40, 0), Point::new(40, 120)],
            10,
        );
        let stations = line.stations();
        assert_eq!(stations.first(), Some(&(Point::new(0, 0), 0)));
        assert_eq!(stations.last(), Some(&(Point::new(40, 120), 1000)));
        assert!(stations.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    }

    #[test]
    fn an_empty_line_draws_nothing() {
        assert!(Line::default().is_empty());
        assert_eq!(Line::default().d(), "");
        assert!(Line::default().stations().is_empty());
    }

    #[test]
    fn boxes_overlap_by_area_and_move_into_a_frame() {
        let frame = Rect::new(0, 0, 100, 100);
        let card = Rect::new(90, -5, 20, 10);
        assert_eq!(frame.overlap(card), 50);
        assert!(!frame.holds(card));
        assert_eq!(card.moved_into(frame), Rect::new(80, 0, 20, 10));
        assert!(frame.holds(card.moved_into(frame)));
    }
}
